//! Generated texts, read by the parsers that will read them in earnest: WIT, TypeScript declarations, Rust declarations. Only
//! whether they are accepted is said here, never whether they mean the right thing.

use anyhow::bail;
use oxc::allocator::Allocator;
use oxc::parser::Parser;
use oxc::semantic::SemanticBuilder;
use oxc::span::SourceType;
use wit_parser::{Resolve, UnresolvedPackageGroup};

/// WIT packages, each after those that it needs.
///
/// # Errors
/// `wit-parser` refuses one.
pub fn accept_wit(packages: &[&str]) -> anyhow::Result<()> {
    let mut resolve = Resolve::default();
    for (index, text) in packages.iter().enumerate() {
        let group = match UnresolvedPackageGroup::parse(format!("{index}.wit"), text) {
            Ok(group) => group,
            Err((_, error)) => bail!("no WIT: {error:?}"),
        };
        if let Err(error) = resolve.push_group(group) {
            bail!("no WIT: {error:?}");
        }
    }
    Ok(())
}

/// A `.d.ts`: its syntax, and that no name is declared twice.
///
/// # Errors
/// oxc refuses it.
pub fn accept_declarations(text: &str) -> anyhow::Result<()> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, SourceType::d_ts()).parse();
    if let Some(error) = parsed.diagnostics.first() {
        bail!("no TypeScript: {error:?}");
    }
    let checked = SemanticBuilder::new()
        .with_check_syntax_error(true)
        .build(&parsed.program);
    if let Some(error) = checked.diagnostics.first() {
        bail!("no TypeScript: {error:?}");
    }
    Ok(())
}

/// Rust declarations, which have no bodies: their tokens and brackets.
///
/// # Errors
/// They are no tokens of Rust.
pub fn accept_rust(text: &str) -> anyhow::Result<()> {
    let tokens: Result<proc_macro2::TokenStream, _> = text.parse();
    match tokens {
        Ok(_) => Ok(()),
        Err(error) => bail!("no Rust: {error}"),
    }
}

/// That a text shows as it is: no control characters but tabs and line ends, nothing that turns its direction or has no width.
///
/// # Errors
/// One that does not, with its line.
pub fn accept_visible(text: &str) -> anyhow::Result<()> {
    let hidden = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}')
    };
    match text.lines().find(|line| line.contains(hidden)) {
        Some(line) => bail!("a hidden character in {line:?}"),
        None => Ok(()),
    }
}
