//! What the types could not carry, as data. The original schema still applies at run time: the host validates against it.

use serde::{Deserialize, Serialize};

/// One schema keyword that the types do not express.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Loss {
    /// The server's name in the configuration.
    pub server: String,
    /// The tool's name.
    pub tool: String,
    /// JSON pointer into the tool's definition (`/inputSchema/properties/state`).
    pub pointer: String,
    /// The schema keyword, or what stands for it.
    pub keyword: String,
    /// What follows for the program's author, one sentence.
    pub consequence: String,
}
