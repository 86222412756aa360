//! Program source (Rust, JavaScript, TypeScript) -> component.
//!
//! [`js`] links a program's world with the prepared [`engine`]; the result imports only its tools. What it costs is paid once
//! per set of imports. [`module`] takes what other toolchains compile. This crate knows the tools only as models; it never talks to a server and never runs a program.

pub mod engine;
pub mod js;
pub mod link;
pub mod module;
pub mod rust;
pub mod toolchain;

pub mod stamp;

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
