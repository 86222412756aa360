//! What a component carries in custom sections of its own: the script of a linked JavaScript program, the definitions it was
//! built against, and what a skill says of itself. Bytes are hostile: each section is bounded, parsed strictly, and there
//! once at most. What the sections say is not judged here, and nothing is compiled.

use wasmparser::{Encoding, Parser, Payload};
use witgate_codegen::built::{self, BuiltAgainst};

use crate::program::{LoadError, MAX_COMPONENT_BYTES, Script};

/// The custom section of a linked JavaScript program.
pub const SCRIPT_SECTION: &str = "witgate:script";

/// The custom section of a skill: its name, what it does and its types, as JSON that is not read here.
pub const SKILL_SECTION: &str = "witgate:skill";

/// Largest section of a skill that is read, in bytes.
pub const MAX_SKILL_BYTES: usize = 1 << 20;

/// A component, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    /// The component without these sections; `None` where it has none.
    pub(crate) rest: Option<Vec<u8>>,
    pub(crate) script: Option<Script>,
    pub(crate) built: Option<BuiltAgainst>,
}

/// The definitions that a component says it was built against: `None` where it says nothing.
///
/// # Errors
/// The bytes are no component, or the section is not exactly what it has to be.
pub fn built_against(bytes: &[u8]) -> Result<Option<BuiltAgainst>, LoadError> {
    Ok(read(bytes)?.built)
}

/// The component without what it says it was built against, to be told anew.
///
/// # Errors
/// As [`built_against`].
pub fn without_built(bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    let (rest, _) = cut(bytes, &[built::SECTION])?;
    Ok(rest.unwrap_or_else(|| bytes.to_vec()))
}

/// What a component says of itself as a skill: `None` where it says nothing.
///
/// # Errors
/// The bytes are no component, or the section is too large or there twice.
pub fn skill(bytes: &[u8]) -> Result<Option<Vec<u8>>, LoadError> {
    let (_, found) = cut(bytes, &[SKILL_SECTION])?;
    let Some((name, data)) = found.first() else {
        return Ok(None);
    };
    bounded_skill(name, data)?;
    Ok(Some(data.to_vec()))
}

/// The component with this as its section of a skill, in place of the one it may have.
///
/// # Errors
/// The bytes are no component, or nobody would read it with the section.
pub fn with_skill(bytes: &[u8], data: &[u8]) -> Result<Vec<u8>, LoadError> {
    bounded_skill(SKILL_SECTION, data)?;
    let (rest, _) = cut(bytes, &[SKILL_SECTION])?;
    let mut bytes = rest.unwrap_or_else(|| bytes.to_vec());
    let mut content = size(SKILL_SECTION.len());
    content.extend_from_slice(SKILL_SECTION.as_bytes());
    content.extend_from_slice(data);
    // A custom section: its number, its size, what is in it.
    bytes.push(0);
    bytes.extend_from_slice(&size(content.len()));
    bytes.extend_from_slice(&content);
    if bytes.len() > MAX_COMPONENT_BYTES {
        return Err(LoadError::TooLarge { bytes: bytes.len() });
    }
    Ok(bytes)
}

fn bounded_skill(name: &str, data: &[u8]) -> Result<(), LoadError> {
    if data.len() <= MAX_SKILL_BYTES {
        return Ok(());
    }
    let why = format!(
        "it is {} bytes, at most {MAX_SKILL_BYTES} are read",
        data.len()
    );
    Err(damaged(name, &why))
}

/// A size as WebAssembly writes it: seven bits a byte, the lowest first.
fn size(mut number: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            out.push(low);
            return out;
        }
        out.push(low | 0x80);
    }
}

/// The script of a linked JavaScript program: `None` for any other component.
///
/// # Errors
/// As [`built_against`].
pub fn script(bytes: &[u8]) -> Result<Option<Script>, LoadError> {
    Ok(read(bytes)?.script)
}

/// Checks that the bytes are a component and takes our sections out of it.
pub(crate) fn read(bytes: &[u8]) -> Result<Sections, LoadError> {
    let (rest, found) = cut(bytes, &[SCRIPT_SECTION, built::SECTION, SKILL_SECTION])?;
    let mut sections = Sections {
        rest,
        ..Sections::default()
    };
    for (name, data) in found {
        if name == SCRIPT_SECTION {
            let script = serde_json::from_slice(data)
                .map_err(|e| damaged(name, &format!("it is damaged ({e})")))?;
            sections.script = Some(script);
        } else if name == SKILL_SECTION {
            bounded_skill(name, data)?;
        } else {
            let built = built::parse(data).map_err(|e| match std::error::Error::source(&e) {
                Some(source) => damaged(name, &format!("{e} ({source})")),
                None => damaged(name, &e.to_string()),
            })?;
            sections.built = Some(built);
        }
    }
    Ok(sections)
}

fn damaged(name: &str, why: &str) -> LoadError {
    LoadError::Invalid {
        message: format!("the section `{name}`: {why}"),
    }
}

/// What is left without the sections of these names, if it has any, and these with their data. What is nested in the
/// component is not looked at.
type Cut<'a> = (Option<Vec<u8>>, Vec<(&'a str, &'a [u8])>);

fn cut<'a>(bytes: &'a [u8], names: &[&str]) -> Result<Cut<'a>, LoadError> {
    if bytes.len() > MAX_COMPONENT_BYTES {
        return Err(LoadError::TooLarge { bytes: bytes.len() });
    }
    let invalid = |e: wasmparser::BinaryReaderError| LoadError::Invalid {
        message: e.to_string(),
    };
    if !bytes.starts_with(b"\0asm") {
        return Err(LoadError::NotAComponent {
            found: "it does not start as WebAssembly does".into(),
        });
    }
    let (mut rest, mut found) = (Vec::new(), Vec::new());
    // Where what is to be kept goes on, and where the section before this one ended.
    let (mut kept, mut end) = (0, 0);
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(invalid)?;
        let nested = depth > 0;
        match &payload {
            Payload::ModuleSection {
                unchecked_range, ..
            }
            | Payload::ComponentSection {
                unchecked_range, ..
            } => {
                depth += 1;
                if !nested {
                    end = unchecked_range.end as usize;
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ if nested => {}
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } => {
                return Err(LoadError::NotAComponent {
                    found: "it is a core module".into(),
                });
            }
            Payload::Version { range, .. } => end = range.end as usize,
            other => {
                let Some((_, range)) = other.as_section() else {
                    continue;
                };
                if let Payload::CustomSection(section) = other
                    && names.contains(&section.name())
                {
                    if found.iter().any(|(name, _)| *name == section.name()) {
                        return Err(damaged(section.name(), "it is there twice"));
                    }
                    found.push((section.name(), section.data()));
                    rest.extend_from_slice(bytes.get(kept..end).unwrap_or_default());
                    kept = range.end as usize;
                }
                end = range.end as usize;
            }
        }
    }
    rest.extend_from_slice(bytes.get(kept..).unwrap_or_default());
    Ok(((!found.is_empty()).then_some(rest), found))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    /// A custom section whose size is written in `width` bytes.
    fn custom(name: &str, data: &[u8], width: usize) -> Vec<u8> {
        let leb = |mut n: usize, width: usize| -> Vec<u8> {
            (0..width)
                .map(|i| {
                    let byte = (n & 0x7f) as u8;
                    n >>= 7;
                    if i + 1 < width { byte | 0x80 } else { byte }
                })
                .collect()
        };
        let mut content = leb(name.len(), 1);
        content.extend(name.bytes());
        content.extend(data);
        [vec![0], leb(content.len(), width), content].concat()
    }

    fn catalog(width: usize) -> Vec<u8> {
        let built = BuiltAgainst {
            version: built::VERSION,
            tools: Vec::new(),
        };
        custom(built::SECTION, &built.to_json(), width)
    }

    fn script_section(source: &str) -> Vec<u8> {
        let script = Script {
            shim: String::new(),
            source: source.into(),
            file: "p.js".into(),
            positions: Vec::new(),
        };
        custom(SCRIPT_SECTION, &serde_json::to_vec(&script).unwrap(), 5)
    }

    #[test]
    fn sections_are_cut_out_wherever_they_stand_and_however_their_size_is_written() {
        let other = custom("other", b"x", 1);
        for width in [1, 2, 5] {
            let bytes = [EMPTY, &catalog(width), &other, &script_section("s"), &other].concat();
            let sections = read(&bytes).unwrap();
            assert_eq!(sections.rest.unwrap(), [EMPTY, &other, &other].concat());
            assert_eq!(sections.script.unwrap().source, "s");
            assert!(sections.built.unwrap().tools.is_empty());
        }
        let bytes = [EMPTY, &catalog(2), &script_section("s")].concat();
        assert_eq!(
            without_built(&bytes).unwrap(),
            [EMPTY, &script_section("s")].concat()
        );
        assert_eq!(without_built(EMPTY).unwrap(), EMPTY);
        assert!(read(EMPTY).unwrap().rest.is_none());
        assert!(built_against(EMPTY).unwrap().is_none());
    }

    #[test]
    fn a_skill_says_one_thing_of_itself() {
        let bytes = [EMPTY, &catalog(2), &script_section("s")].concat();
        assert_eq!(skill(&bytes).unwrap(), None);
        let first = with_skill(&bytes, b"{}").unwrap();
        assert_eq!(skill(&first).unwrap().unwrap(), b"{}");
        // Sizes of one byte, two and three.
        for length in [100, 1_000, 100_000] {
            let text = vec![b'x'; length];
            let second = with_skill(&first, &text).unwrap();
            assert_eq!(skill(&second).unwrap().unwrap(), text);
            let sections = read(&second).unwrap();
            assert_eq!(sections.rest.unwrap(), EMPTY);
            assert_eq!(sections.script.unwrap().source, "s");
            assert_eq!(with_skill(&second, b"{}").unwrap(), first);
        }
        let large = vec![b' '; MAX_SKILL_BYTES + 1];
        let error = with_skill(&bytes, &large).unwrap_err().to_string();
        assert!(error.contains("at most 1048576"), "{error}");
        let large = [EMPTY, &custom(SKILL_SECTION, &large, 4)].concat();
        for error in [skill(&large).unwrap_err(), read(&large).unwrap_err()] {
            assert!(error.to_string().contains("at most 1048576"), "{error}");
        }
        assert!(with_skill(b"\0asm\x01\0\0\0", b"{}").is_err());
    }

    #[test]
    fn a_section_that_is_there_twice_is_refused() {
        for section in [
            catalog(1),
            script_section("s"),
            custom(SKILL_SECTION, b"{}", 1),
        ] {
            let error = read(&[EMPTY, &section, &section].concat()).unwrap_err();
            assert!(error.to_string().contains("twice"), "{error}");
        }
    }

    #[test]
    fn what_is_nested_is_not_ours() {
        let inner = [EMPTY, &catalog(1)].concat();
        let nested = [vec![4, inner.len() as u8], inner].concat();
        let bytes = [EMPTY, &nested].concat();
        assert!(built_against(&bytes).unwrap().is_none());
        let both = [EMPTY, &nested, &catalog(1)].concat();
        assert_eq!(read(&both).unwrap().rest.unwrap(), bytes);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let sound = [
            EMPTY,
            &catalog(2),
            &script_section("s"),
            &custom("x", b"y", 3),
        ]
        .concat();
        for cut in 0..sound.len() {
            let _ = built_against(&sound[..cut]);
            for byte in [0, 1, 4, 0x7f, 0x80, 0xff] {
                let mut bytes = sound.clone();
                bytes[cut] = byte;
                let _ = built_against(&bytes);
            }
        }
        let large = [
            EMPTY,
            &custom(built::SECTION, &vec![b' '; built::MAX_BYTES + 1], 4),
        ]
        .concat();
        let error = built_against(&large).unwrap_err().to_string();
        assert!(error.contains("at most 1048576"), "{error}");
    }
}
