//! A program's source as a flat list of tokens with their places: brackets are tokens too, `::` is one token, raw
//! identifiers lose their `r#`. No syntax.

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};

/// One token.
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// What a token is.
#[derive(PartialEq)]
pub(super) enum Kind {
    /// Without `r#`.
    Ident(String),
    /// `::`
    PathSep,
    Punct(char),
    Open(Delimiter),
    Close(Delimiter),
    Literal,
}

/// Deepest nesting of brackets in a program. A person's has a dozen; the compiler's own stack ends at some thousands.
pub(super) const DEEPEST: usize = 256;

/// A stream's tokens, those in brackets included, in their order. It holds no stack of its own frames, for the depth of
/// a source is its author's choice; neither do the parser and the destructor of `proc_macro2`.
///
/// # Errors
/// The place of the first bracket that is nested deeper than [`DEEPEST`].
pub(super) fn flatten(stream: TokenStream) -> Result<Vec<Token>, Span> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut colon = false;
    let mut outer = Vec::new();
    let mut trees = stream.into_iter();
    loop {
        let Some(tree) = trees.next() else {
            let Some((rest, close)) = outer.pop() else {
                return Ok(tokens);
            };
            tokens.push(close);
            trees = rest;
            colon = false;
            continue;
        };
        let span = tree.span();
        let kind = match tree {
            TokenTree::Group(group) => {
                if outer.len() == DEEPEST {
                    return Err(group.span_open());
                }
                // Groups without brackets come from macros only; there are none in a source.
                let delimiter = group.delimiter();
                tokens.push(Token {
                    kind: Kind::Open(delimiter),
                    span: group.span_open(),
                });
                let close = Token {
                    kind: Kind::Close(delimiter),
                    span: group.span_close(),
                };
                let inner = group.stream().into_iter();
                outer.push((std::mem::replace(&mut trees, inner), close));
                colon = false;
                continue;
            }
            TokenTree::Ident(ident) => {
                let text = ident.to_string();
                Kind::Ident(text.strip_prefix("r#").unwrap_or(&text).to_string())
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => {
                if colon {
                    colon = false;
                    tokens.pop();
                    tokens.push(Token {
                        kind: Kind::PathSep,
                        span,
                    });
                    continue;
                }
                colon = punct.spacing() == Spacing::Joint;
                tokens.push(Token {
                    kind: Kind::Punct(':'),
                    span,
                });
                continue;
            }
            TokenTree::Punct(punct) => Kind::Punct(punct.as_char()),
            TokenTree::Literal(_) => Kind::Literal,
        };
        colon = false;
        tokens.push(Token { kind, span });
    }
}

/// The token's identifier, if it is one.
pub(super) fn ident(token: Option<&Token>) -> Option<&str> {
    match token.map(|token| &token.kind) {
        Some(Kind::Ident(name)) => Some(name),
        _ => None,
    }
}

/// Whether the token is there and of this kind.
pub(super) fn is(token: Option<&Token>, kind: &Kind) -> bool {
    token.is_some_and(|token| token.kind == *kind)
}
