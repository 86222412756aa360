//! A component with what it was built against at its end, for the host to compare. What the section says, and taking an
//! earlier one out, is not known here.

use wasm_encoder::{CustomSection, Section as _};
use witgate_codegen::built::{BuiltAgainst, SECTION};

/// Appends the section to a component that has none.
pub fn stamp(component: &mut Vec<u8>, built: &BuiltAgainst) {
    let section = CustomSection {
        name: SECTION.into(),
        data: built.to_json().into(),
    };
    section.append_to(component);
}
