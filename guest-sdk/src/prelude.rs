//! Everything a program normally names, for `use witgate_guest::prelude::*`.
//!
//! `println!` and its kin are not in it: a glob import beside the standard macros is an ambiguity error. A program of one
//! file gets them anyway; a crate of its own says once, at its root,
//! `#[macro_use(print, println, eprint, eprintln, dbg)] extern crate witgate_guest;`.

pub use crate::error::{Context, Error, ErrorExt, Result, ToolError, ToolErrorKind};
pub use crate::{anyhow, bail, clock, console, ensure, join, program, random, record, try_join};
pub use futures::future::{join_all, try_join_all};
pub use serde_json::{Map, Value, json};
