//! What a Rust program for witgate uses: the entry point (`program!`), JSON values, types read from
//! JSON (`record!`), errors, the log, time and joining
//! of calls. The tools themselves are not here: each program gets them as the generated crate `mcp`.
//!
//! ```ignore
//! use witgate_guest::prelude::*;
//! use mcp::github::{list_issues, ListIssuesArgs};
//!
//! async fn run(input: Value) -> Result<Value> {
//!     let issues = list_issues(ListIssuesArgs { owner: "acme".into(), ..Default::default() }).await?;
//!     Ok(json!(issues.len()))
//! }
//! program!(run);
//! ```
//!
//! It targets `wasm32-unknown-unknown`: there is no file, socket, thread or environment. `std::time::Instant::now`
//! panics there; use `clock::now`.

#[rustfmt::skip]
#[allow(missing_docs, unreachable_pub, unused_macros, clippy::all)]
mod bindings;
pub mod clock;
pub mod console;
pub mod error;
pub mod json;
mod macros;
pub mod prelude;
pub mod random;
#[doc(hidden)]
pub mod raw;
mod run;

pub use error::{Error, ErrorExt, Result, ToolError, ToolErrorKind};
pub use futures;
pub use serde_json::{self, Value};
