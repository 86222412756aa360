//! A component with what it was built against at its end, for the host to compare. What the section says, and taking an
//! earlier one out, is not known here.

use wasm_encoder::{CustomSection, Section as _};
use witgate_codegen::built::{BuiltAgainst, MAX_BYTES, SECTION};

/// Why a component cannot carry what it was built against.
#[derive(Debug, thiserror::Error)]
pub enum StampError {
    /// No host would read the section.
    #[error(
        "the program imports {tools} tools: the section `{SECTION}` would be {bytes} bytes, at most {MAX_BYTES} are read"
    )]
    TooLarge {
        /// The tools that it names.
        tools: usize,
        /// Its size.
        bytes: usize,
    },
}

/// Appends the section to a component that has none.
///
/// # Errors
/// [`StampError`]; then the component is as it was.
pub fn stamp(component: &mut Vec<u8>, built: &BuiltAgainst) -> Result<(), StampError> {
    let data = built.to_json();
    if data.len() > MAX_BYTES {
        return Err(StampError::TooLarge {
            tools: built.tools.len(),
            bytes: data.len(),
        });
    }
    let section = CustomSection {
        name: SECTION.into(),
        data: data.into(),
    };
    section.append_to(component);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use witgate_codegen::built::{BuiltTool, VERSION, parse};

    #[test]
    fn a_section_that_nobody_reads_is_not_written() {
        let mut built = BuiltAgainst {
            version: VERSION,
            tools: Vec::new(),
        };
        let rest = MAX_BYTES - built.to_json().len();
        let tool = |name: String| BuiltTool {
            interface: "mcp:s/json".to_owned(),
            function: name.clone(),
            tool: name,
            definition: "0a".repeat(32),
            shape: "0a".repeat(32),
        };
        built.tools.push(tool(String::new()));
        let entry = built.to_json().len() + rest - MAX_BYTES;
        built.tools[0].tool = "t".repeat(rest - entry);
        assert_eq!(built.to_json().len(), MAX_BYTES);
        let mut component = Vec::new();
        stamp(&mut component, &built).unwrap();
        parse(&built.to_json()).unwrap();

        built.tools[0].tool.push('t');
        let before = component.clone();
        let error = stamp(&mut component, &built).unwrap_err().to_string();
        assert!(
            error.contains("1 tools") && error.contains("1048577 bytes"),
            "{error}"
        );
        assert_eq!(component, before);
    }
}
