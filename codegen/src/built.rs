//! What a component was built against, as it carries it: the custom section `witgate:catalog` as data, to JSON and back.
//! A component's bytes are hostile, so is this. Cutting the section out of a component, and believing it, happen elsewhere.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

/// The custom section's name.
pub const SECTION: &str = "witgate:catalog";

/// The version of its form.
pub const VERSION: u32 = 1;

/// Largest section that is read, in bytes: some 3,000 tools.
pub const MAX_BYTES: usize = 1 << 20;

/// The whole section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuiltAgainst {
    /// The form of the section.
    pub version: u32,
    /// One entry for each imported function of a server.
    pub tools: Vec<BuiltTool>,
}

/// One imported tool and its definition when the component was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuiltTool {
    /// The interface as imported: the server's package and the view, `mcp:github/json`.
    pub interface: String,
    /// The function as imported: `list-issues`.
    pub function: String,
    /// The tool's name on the wire: `list_issues`.
    pub tool: String,
    /// SHA-256 hex of the definition as the server sent it.
    pub definition: String,
    /// SHA-256 hex of the WIT shape.
    pub shape: String,
}

/// Why a section cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BuiltError {
    /// Too large to be looked at.
    #[error("it is {bytes} bytes, at most {MAX_BYTES} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// No JSON, or not in this form.
    #[error("it is damaged")]
    Form(#[source] serde_json::Error),
    /// Another version of the form.
    #[error("its version is {found}, and only {VERSION} is known")]
    Version {
        /// What stands there.
        found: u32,
    },
    /// What should be a hash is none.
    #[error("the entry {index} has a hash that is no SHA-256 in hex")]
    Hash {
        /// From 0.
        index: usize,
    },
    /// One import has two entries.
    #[error("the entry {index} is of an import that an earlier one is of")]
    Twice {
        /// Of the second, from 0.
        index: usize,
    },
}

impl BuiltAgainst {
    /// The entry of an import.
    #[must_use]
    pub fn get(&self, interface: &str, function: &str) -> Option<&BuiltTool> {
        let is = |tool: &&BuiltTool| tool.interface == interface && tool.function == function;
        self.tools.iter().find(is)
    }

    /// The section's content.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Strings and numbers always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Reads a section's content.
///
/// # Errors
/// [`BuiltError`]; never a panic, whatever the bytes.
pub fn parse(data: &[u8]) -> Result<BuiltAgainst, BuiltError> {
    if data.len() > MAX_BYTES {
        return Err(BuiltError::TooLarge { bytes: data.len() });
    }
    let built: BuiltAgainst = serde_json::from_slice(data).map_err(BuiltError::Form)?;
    if built.version != VERSION {
        return Err(BuiltError::Version {
            found: built.version,
        });
    }
    let mut seen = HashSet::new();
    for (index, tool) in built.tools.iter().enumerate() {
        if !is_hash(&tool.definition) || !is_hash(&tool.shape) {
            return Err(BuiltError::Hash { index });
        }
        if !seen.insert((&tool.interface, &tool.function)) {
            return Err(BuiltError::Twice { index });
        }
    }
    Ok(built)
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn section() -> serde_json::Value {
        let hash = "0a".repeat(32);
        json!({"version": 1, "tools": [
            {"interface": "mcp:s/json", "function": "a-b", "tool": "a_b", "definition": hash, "shape": hash},
            {"interface": "mcp:s/tools", "function": "a-b", "tool": "a_b", "definition": hash, "shape": hash}]})
    }

    #[test]
    fn it_reads_back() {
        let built = parse(section().to_string().as_bytes()).unwrap();
        assert_eq!(parse(&built.to_json()).unwrap(), built);
        assert_eq!(built.get("mcp:s/tools", "a-b"), Some(&built.tools[1]));
        assert_eq!(built.get("mcp:s/tools", "a"), None);
    }

    #[test]
    fn what_is_not_exactly_right_is_refused() {
        let refused = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut section = section();
            change(&mut section);
            parse(section.to_string().as_bytes()).unwrap_err()
        };
        use BuiltError::{Form, Hash, TooLarge, Twice, Version};
        assert!(matches!(
            refused(&|s| s["version"] = json!(2)),
            Version { found: 2 }
        ));
        assert!(matches!(refused(&|s| s["more"] = json!(1)), Form(_)));
        assert!(matches!(
            refused(&|s| s["tools"][0]["more"] = json!(1)),
            Form(_)
        ));
        assert!(matches!(
            refused(&|s| s["tools"][1]["shape"] = json!("A".repeat(64))),
            Hash { index: 1 }
        ));
        assert!(matches!(
            refused(&|s| s["tools"][0]["definition"] = json!("é".repeat(32))),
            Hash { index: 0 }
        ));
        assert!(matches!(
            refused(&|s| s["tools"][1] = s["tools"][0].clone()),
            Twice { index: 1 }
        ));
        for text in [
            "",
            "{}",
            "null",
            "{\"version\":1,\"version\":1,\"tools\":[]}",
        ] {
            assert!(matches!(parse(text.as_bytes()), Err(Form(_))), "{text}");
        }
        assert!(matches!(parse(&[b'['; 100_000]), Err(Form(_))));
        assert!(matches!(
            parse(&vec![b' '; MAX_BYTES + 1]),
            Err(TooLarge { .. })
        ));
    }
}
