//! What a server says of a tool, field by field, as words.

use std::ops::Range;

use super::words::{of_name, of_text};
use crate::model::{Field as Argument, ServerModel, ToolModel, TypeKind};
use crate::rust::used_defs;

/// Most words of one field.
const LONGEST: usize = 2_000;
/// Where the first sentence is cut, in bytes.
const SENTENCE: usize = 160;

/// How a field counts.
pub(super) struct Field {
    pub(super) weight: f32,
    /// From 0 to 1: how much less each word counts where the field is longer than others'.
    pub(super) length: f32,
}

/// The fields: the tool's name, the server's, the title, the description's first sentence, its rest, the names of the
/// arguments, and what is said of these with the values that they can have.
pub(super) const FIELDS: [Field; 7] = [
    Field {
        weight: 1.8,
        length: 0.5,
    },
    Field {
        weight: 2.0,
        length: 0.0,
    },
    Field {
        weight: 1.8,
        length: 0.5,
    },
    Field {
        weight: 1.6,
        length: 0.8,
    },
    Field {
        weight: 0.4,
        length: 0.7,
    },
    Field {
        weight: 0.6,
        length: 0.4,
    },
    Field {
        weight: 0.2,
        length: 0.4,
    },
];
/// The fields that are names.
pub(super) const NAMES: Range<usize> = 0..2;

/// The words of one tool, in lower case.
pub(super) struct Texts {
    /// In the order of [`FIELDS`].
    pub(super) fields: [Vec<String>; FIELDS.len()],
}

impl Texts {
    pub(super) fn read(server: &ServerModel, tool: &ToolModel) -> Texts {
        let (first, rest) = first_sentence(tool.doc.as_deref().unwrap_or_default());
        let mut names = Vec::new();
        let mut details = Vec::new();
        let mut argument = |argument: &Argument| {
            if names.len() < LONGEST {
                names.extend(of_name(&argument.wire));
            }
            if let (Some(doc), true) = (&argument.doc, details.len() < LONGEST) {
                details.extend(of_text(doc));
            }
        };
        let mut values = Vec::new();
        for index in used_defs(tool, tool.input.iter()) {
            match tool.defs.get(index).map(|def| &def.kind) {
                Some(TypeKind::Record { fields, .. }) => fields.iter().for_each(&mut argument),
                Some(TypeKind::Enum(cases)) if values.len() < LONGEST => {
                    let texts = cases.iter().filter_map(|case| case.wire.as_str());
                    values.extend(texts.flat_map(of_text));
                }
                Some(TypeKind::Enum(_) | TypeKind::Variant(_)) | None => {}
            }
        }
        details.append(&mut values);
        let mut fields = [
            of_name(&tool.tool),
            of_name(&server.server),
            of_text(tool.title.as_deref().unwrap_or_default()),
            of_text(first),
            of_text(rest),
            names,
            details,
        ];
        for field in &mut fields {
            field.truncate(LONGEST);
        }
        Texts { fields }
    }
}

/// A description's first sentence, or what stands first of a long one, and the rest.
fn first_sentence(text: &str) -> (&str, &str) {
    let end = text.char_indices().find(|(at, c)| {
        let after = text[at + c.len_utf8()..].chars().next();
        let ends = matches!(c, '.' | '\n' | '。') && after.is_none_or(char::is_whitespace);
        // `E.g.` and headings are no sentences.
        ends && *at > 20 || *at > SENTENCE
    });
    text.split_at(end.map_or(text.len(), |(at, _)| at))
}
