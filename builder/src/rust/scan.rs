//! Reads a program's tokens: which tools it names under `mcp::`, and whether it has something that would make the
//! compiler read files of the machine that builds. Tokens, not syntax, because tools are also called inside macros.
//!
//! Naming gives no power: a tool that is named too much is only compiled, and what the component imports is checked
//! afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proc_macro2::{Delimiter, LineColumn, Spacing, Span, TokenStream, TokenTree};
use witgate_codegen::model::ServerModel;
use witgate_codegen::rust::{identifier, module_name};
use witgate_codegen::select::{RustItem, find_rust, find_rust_module};

use super::RustError;

/// The crate of the tools.
const ROOT: &str = "mcp";

/// A place in a program's source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// The file, as the person calls it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// What a program names: servers by index, and of each the tools by index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// A server that is named without a tool has an empty set.
    pub servers: BTreeMap<usize, BTreeSet<usize>>,
}

/// Finds the tools that a program names, and refuses what it may not have.
///
/// # Errors
/// `Syntax`, `Refused` (also where `program!` is missing) or `Unknown`, each with its place.
pub fn scan(source: &str, file_name: &str, servers: &[ServerModel]) -> Result<Named, RustError> {
    let at = |place: LineColumn| At {
        file: file_name.to_string(),
        line: place.line.max(1),
        column: place.column + 1,
    };
    let result = match source.parse::<TokenStream>() {
        Ok(stream) => {
            let mut tokens = Vec::new();
            flatten(stream, &mut tokens);
            scan_tokens(&tokens, servers).map_err(|problem| problem.into_error(at))
        }
        Err(error) => Err(RustError::Syntax {
            at: at(error.span().start()),
            message: "the source is no Rust: a bracket or quote without its partner, or an unknown character".into(),
        }),
    };
    // Places are kept per thread until they are told to go; a server compiles many programs.
    proc_macro2::extra::invalidate_current_thread_spans();
    result
}

fn scan_tokens(tokens: &[Token], servers: &[ServerModel]) -> Result<Named, Problem> {
    refuse(tokens)?;
    let mut finder = Finder {
        tokens,
        servers,
        aliases: BTreeMap::new(),
        named: Named::default(),
    };
    // A `use` may come after what it names, and name what another `use` brought: until nothing new is found.
    loop {
        let before = finder.aliases.len();
        finder.find()?;
        if finder.aliases.len() == before {
            return Ok(finder.named);
        }
    }
}

struct Problem {
    span: Span,
    kind: ProblemKind,
}

enum ProblemKind {
    Refused(String),
    Unknown(witgate_codegen::select::LookupError),
}

impl Problem {
    fn into_error(self, at: impl Fn(LineColumn) -> At) -> RustError {
        let at = at(self.span.start());
        match self.kind {
            ProblemKind::Refused(message) => RustError::Refused { at, message },
            ProblemKind::Unknown(source) => RustError::Unknown { at, source },
        }
    }
}

struct Token {
    kind: Kind,
    span: Span,
}

#[derive(PartialEq)]
enum Kind {
    /// Without `r#`.
    Ident(String),
    /// `::`
    PathSep,
    Punct(char),
    Open(Delimiter),
    Close(Delimiter),
    Literal,
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    let mut colon = false;
    for tree in stream {
        let span = tree.span();
        let kind = match tree {
            TokenTree::Group(group) => {
                // Groups without brackets come from macros only; there are none in a source.
                let delimiter = group.delimiter();
                tokens.push(Token {
                    kind: Kind::Open(delimiter),
                    span: group.span_open(),
                });
                flatten(group.stream(), tokens);
                tokens.push(Token {
                    kind: Kind::Close(delimiter),
                    span: group.span_close(),
                });
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

fn ident(token: Option<&Token>) -> Option<&str> {
    match token.map(|token| &token.kind) {
        Some(Kind::Ident(name)) => Some(name),
        _ => None,
    }
}

fn is(token: Option<&Token>, kind: &Kind) -> bool {
    token.is_some_and(|token| token.kind == *kind)
}

/// Refuses what reads files or variables of the machine that builds, and what is more than one file.
fn refuse(tokens: &[Token]) -> Result<(), Problem> {
    let refused = |token: &Token, message: String| {
        Err(Problem {
            span: token.span,
            kind: ProblemKind::Refused(message),
        })
    };
    // A macro of the program can put a name before a `!` that stands elsewhere in the source.
    let macros = tokens
        .iter()
        .any(|token| ident(Some(token)) == Some("macro_rules"));
    let mut program = false;
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1);
        if is(Some(token), &Kind::Punct('#')) {
            refuse_attribute(&tokens[index + 1..])?;
        }
        let Kind::Ident(name) = &token.kind else {
            continue;
        };
        let bang = is(next, &Kind::Punct('!'))
            && matches!(tokens.get(index + 2).map(|t| &t.kind), Some(Kind::Open(_)));
        let renamed = ident(next) == Some("as");
        match name.as_str() {
            "program" if bang => program = true,
            "include_str" | "include_bytes" | "option_env" => {
                return refused(
                    token,
                    format!(
                        "`{name}!` would read from the machine that builds; a program has its input only"
                    ),
                );
            }
            "include" | "env" if bang || renamed => {
                return refused(
                    token,
                    format!(
                        "`{name}!` would read from the machine that builds; a program has its input only"
                    ),
                );
            }
            "include" | "env"
                if macros && !is(next, &Kind::PathSep) && !is(next, &Kind::Punct(':')) =>
            {
                return refused(
                    token,
                    format!("the name `{name}` is not allowed in a program that defines macros"),
                );
            }
            "mod" => {
                let body = if is(next, &Kind::Punct('$')) {
                    index + 3
                } else {
                    index + 2
                };
                if !is(tokens.get(body), &Kind::Open(Delimiter::Brace)) {
                    return refused(
                        token,
                        "a program is one file: write the module's body here".into(),
                    );
                }
            }
            _ => {}
        }
    }
    if program {
        return Ok(());
    }
    let start = Problem {
        span: Span::call_site(),
        kind: ProblemKind::Refused("the program has no entry: `program!(run);` is missing".into()),
    };
    Err(start)
}

/// Refuses `#[path = ...]` and `#[link(...)]`, also inside `cfg_attr`. `tokens` begin after the `#`.
fn refuse_attribute(tokens: &[Token]) -> Result<(), Problem> {
    let start = usize::from(is(tokens.first(), &Kind::Punct('!')));
    if !is(tokens.get(start), &Kind::Open(Delimiter::Bracket)) {
        return Ok(());
    }
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate().skip(start) {
        match &token.kind {
            Kind::Open(_) => depth += 1,
            Kind::Close(_) => depth -= 1,
            Kind::Ident(name) if name == "path" && is(tokens.get(index + 1), &Kind::Punct('=')) => {
                let message = "`#[path]` would read another file; a program is one file".into();
                return Err(Problem {
                    span: token.span,
                    kind: ProblemKind::Refused(message),
                });
            }
            Kind::Ident(name) if name == "link" => {
                let message =
                    "`#[link]` would link a library of the machine that builds; a program has none"
                        .into();
                return Err(Problem {
                    span: token.span,
                    kind: ProblemKind::Refused(message),
                });
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    Ok(())
}

/// What a name that a `use` brought stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Module {
    /// The crate `mcp`.
    Root,
    /// A server, by index.
    Server(usize),
}

struct Finder<'a> {
    tokens: &'a [Token],
    servers: &'a [ServerModel],
    aliases: BTreeMap<String, Module>,
    named: Named,
}

impl Finder<'_> {
    /// Walks all paths once.
    fn find(&mut self) -> Result<(), Problem> {
        let mut in_use = false;
        let mut index = 0;
        while let Some(token) = self.tokens.get(index) {
            match &token.kind {
                Kind::Ident(name) if name == "use" => in_use = true,
                Kind::Punct(';') => in_use = false,
                Kind::Ident(name) => {
                    let module = if name == ROOT {
                        Some(Module::Root)
                    } else {
                        self.aliases.get(name).copied()
                    };
                    if let Some(module) = module
                        && self.starts_path(index)
                    {
                        index = self.path(index, module, in_use)?;
                        continue;
                    }
                }
                _ => {}
            }
            index += 1;
        }
        Ok(())
    }

    /// Whether the identifier begins a path (keywords in front, `crate::` say, do not count), and is no field.
    fn starts_path(&self, index: usize) -> bool {
        let Some(before) = index.checked_sub(1) else {
            return true;
        };
        if is(self.tokens.get(before), &Kind::Punct('.')) {
            return false;
        }
        if !is(self.tokens.get(before), &Kind::PathSep) {
            return true;
        }
        match before
            .checked_sub(1)
            .and_then(|index| ident(self.tokens.get(index)))
        {
            Some(name) => identifier(name) != name,
            None => true,
        }
    }

    /// Follows a path or `use` tree from its first identifier; returns the index behind it.
    fn path(&mut self, index: usize, module: Module, in_use: bool) -> Result<usize, Problem> {
        let next = index + 1;
        if !is(self.tokens.get(next), &Kind::PathSep) {
            if let (true, Some(name)) = (in_use, ident(self.tokens.get(index)))
                && name != ROOT
            {
                self.bring(name.to_string(), module);
            }
            return Ok(self.rename(next, module, in_use));
        }
        self.tree(next + 1, module, in_use)
    }

    /// What follows `module::`.
    fn tree(&mut self, index: usize, module: Module, in_use: bool) -> Result<usize, Problem> {
        let tokens = self.tokens;
        let Some(token) = tokens.get(index) else {
            return Ok(index);
        };
        match &token.kind {
            Kind::Punct('*') => {
                self.glob(module);
                Ok(index + 1)
            }
            Kind::Open(Delimiter::Brace) => {
                let mut index = index + 1;
                while let Some(token) = tokens.get(index) {
                    index = match &token.kind {
                        Kind::Close(_) => return Ok(index + 1),
                        Kind::Punct(',') => index + 1,
                        _ => self.tree(index, module, in_use)?.max(index + 1),
                    };
                }
                Ok(index)
            }
            Kind::Ident(name) if name == "self" => {
                let renamed = self.rename(index + 1, module, in_use);
                if renamed == index + 1
                    && let Module::Server(server) = module
                {
                    self.bring_server(server);
                }
                Ok(renamed)
            }
            Kind::Ident(name) => match module {
                Module::Root => {
                    let server = find_rust_module(self.servers, name).map_err(|error| Problem {
                        span: token.span,
                        kind: ProblemKind::Unknown(error),
                    })?;
                    let server = self
                        .servers
                        .iter()
                        .position(|other| std::ptr::eq(other, server))
                        .unwrap_or_default();
                    self.named.servers.entry(server).or_default();
                    self.path_of_server(index, server, in_use)
                }
                Module::Server(server) => {
                    self.item(name, server, token.span)?;
                    Ok(self.skip_rest(index + 1))
                }
            },
            _ => Ok(index),
        }
    }

    fn path_of_server(
        &mut self,
        index: usize,
        server: usize,
        in_use: bool,
    ) -> Result<usize, Problem> {
        let next = index + 1;
        if is(self.tokens.get(next), &Kind::PathSep) {
            return self.tree(next + 1, Module::Server(server), in_use);
        }
        let renamed = self.rename(next, Module::Server(server), in_use);
        if renamed == next && in_use {
            self.bring_server(server);
        }
        Ok(renamed)
    }

    /// What may follow an item: `::Case`, `::{A, B}`, `::*`, `as name`; returns the index behind it.
    fn skip_rest(&self, mut index: usize) -> usize {
        while is(self.tokens.get(index), &Kind::PathSep) {
            index += 2;
            if is(self.tokens.get(index - 1), &Kind::Open(Delimiter::Brace)) {
                let close = Kind::Close(Delimiter::Brace);
                while index < self.tokens.len() && !is(self.tokens.get(index - 1), &close) {
                    index += 1;
                }
            }
        }
        if ident(self.tokens.get(index)) == Some("as") {
            index + 2
        } else {
            index
        }
    }

    /// `as name`, if it is there; returns the index behind it.
    fn rename(&mut self, index: usize, module: Module, in_use: bool) -> usize {
        if !in_use || ident(self.tokens.get(index)) != Some("as") {
            return index;
        }
        if let Some(name) = ident(self.tokens.get(index + 1)) {
            self.bring(name.to_string(), module);
        }
        index + 2
    }

    fn bring(&mut self, name: String, module: Module) {
        self.aliases.insert(name, module);
    }

    fn bring_server(&mut self, server: usize) {
        if let Some(model) = self.servers.get(server) {
            let name = module_name(model);
            self.bring(
                name.strip_prefix("r#").unwrap_or(&name).to_string(),
                Module::Server(server),
            );
        }
    }

    /// `*`: all servers, or all tools of a server.
    fn glob(&mut self, module: Module) {
        match module {
            Module::Root => {
                for server in 0..self.servers.len() {
                    self.named.servers.entry(server).or_default();
                    self.bring_server(server);
                }
            }
            Module::Server(server) => {
                let tools = self
                    .servers
                    .get(server)
                    .map_or(0, |model| model.tools.len());
                self.named
                    .servers
                    .entry(server)
                    .or_default()
                    .extend(0..tools);
            }
        }
    }

    /// A function or type of a server.
    fn item(&mut self, name: &str, server: usize, span: Span) -> Result<(), Problem> {
        let Some(model) = self.servers.get(server) else {
            return Ok(());
        };
        let found = find_rust(model, name).map_err(|error| Problem {
            span,
            kind: ProblemKind::Unknown(error),
        })?;
        let (RustItem::Function(tool) | RustItem::Type(tool, _)) = found;
        if let Some(tool) = model
            .tools
            .iter()
            .position(|other| std::ptr::eq(other, tool))
        {
            self.named.servers.entry(server).or_default().insert(tool);
        }
        Ok(())
    }
}
