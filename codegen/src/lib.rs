//! MCP tool schemas to WebAssembly interfaces: pure, deterministic, nothing lost in silence.
//!
//! Data flows one way: a server's `tools/list` becomes a `catalog`, `server` turns that into a `model` with every `loss`
//! on record, and the emitters print the model: `wit`, `dts`, `rust`. `select` narrows a model to the tools of one
//! program and finds the tool behind an import; `infer` makes a schema of results where a server
//! declares none. There is no network, no file, no clock and no async here.
//!
//! ```
//! use witgate_codegen::{catalog, server, wit};
//!
//! let saved = r#"{"tools": [{"name": "list_issues", "inputSchema": {"type": "object",
//!     "properties": {"state": {"enum": ["open", "closed"]}}, "required": ["state"]}}]}"#;
//! let tools = catalog::parse_tools_list(saved)?;
//! let model = server::model_server("github", &catalog::Server { tools, ..Default::default() })?;
//! let text = wit::print_server(&model, &wit::WitOptions::default());
//! assert!(text.contains("list-issues: async func(args: list-issues-args) -> result<json, tool-error>;"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod catalog;
pub mod loss;
pub mod model;
pub mod overrides;

pub mod sample;
mod schema;
pub mod server;

pub mod describe;
pub mod dts;
pub mod rust;
pub mod wit;

pub mod infer;

pub mod built;
pub mod drift;
pub mod lock;
pub mod report;
pub mod search;
pub mod select;

pub mod json;
pub mod names;
pub mod references;
pub mod text;
pub mod tree;

pub use server::{model_catalog, model_server};
