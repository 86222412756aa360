//! Reads a program's tokens: which tools it names under `mcp::`. Tokens, not syntax, because tools are also called
//! inside macros. What it may not have at all is `refuse`'s matter.
//!
//! Naming gives no power: a tool that is named too much is only compiled, and what the component imports is checked
//! afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proc_macro2::{Delimiter, LineColumn, Span, TokenStream};
use witgate_codegen::model::ServerModel;
use witgate_codegen::rust::{identifier, module_name};
use witgate_codegen::select::{LookupError, RustItem, find_rust, find_rust_module};

use super::RustError;
use super::refuse::{refuse, refuse_start, unseen};
use super::tokens::{DEEPEST, Kind, Token, flatten, ident, is};

/// The crate of the tools.
const ROOT: &str = "mcp";
/// How often the names that `use` brought are followed. A chain of renames that stands in the order of its use takes
/// one round, so this is a bound for programs that were written to be slow to read.
const ROUNDS: usize = 64;

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
    /// Names that looked like a tool's and are none, each with its place and what was meant perhaps. They may as well be
    /// names of the program's own, which only the compiler can tell.
    pub doubts: Vec<String>,
    /// What compiles and does not do what it says, each with its place.
    pub warnings: Vec<String>,
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
    refuse_start(source, file_name)?;
    let result = match source.parse::<TokenStream>() {
        Ok(stream) => flatten(stream)
            .map_err(|span| Problem {
                span,
                kind: ProblemKind::Refused(format!(
                    "brackets are nested more than {DEEPEST} deep here"
                )),
            })
            .and_then(|tokens| {
                let mut named = scan_tokens(&tokens, servers, at)?;
                for (span, message) in unseen(&tokens) {
                    named.warnings.push(format!("{}: {message}", at(span.start())));
                }
                Ok(named)
            })
            .map_err(|problem| problem.into_error(at)),
        Err(error) => Err(RustError::Syntax {
            at: at(error.span().start()),
            message: "the source is no Rust: a bracket or quote without its partner, or an unknown character".into(),
        }),
    };
    // Places are kept per thread until they are told to go; a server compiles many programs.
    proc_macro2::extra::invalidate_current_thread_spans();
    result
}

fn scan_tokens(
    tokens: &[Token],
    servers: &[ServerModel],
    at: impl Fn(LineColumn) -> At,
) -> Result<Named, Problem> {
    refuse(tokens)?;
    let own_root = tokens
        .windows(2)
        .any(|pair| ident(pair.first()) == Some("mod") && ident(pair.get(1)) == Some(ROOT));
    let mut finder = Finder {
        tokens,
        servers,
        own_root,
        strict: true,
        aliases: BTreeMap::new(),
        named: Named::default(),
        doubts: BTreeMap::new(),
    };
    // A `use` may come after what it names, and name what another `use` brought: until nothing new is found.
    for _ in 0..ROUNDS {
        let before = finder.aliases.len();
        finder.find()?;
        if finder.aliases.len() == before {
            let doubts = finder.doubts.into_iter();
            finder.named.doubts = doubts
                .map(|((line, column), doubt)| {
                    format!("{}: {doubt}", at(LineColumn { line, column }))
                })
                .collect();
            return Ok(finder.named);
        }
    }
    Err(Problem {
        span: Span::call_site(),
        kind: ProblemKind::Refused(format!(
            "the program renames modules of `{ROOT}` through more than {ROUNDS} `use` in reverse order"
        )),
    })
}

/// What is wrong with a program, and where.
pub(super) struct Problem {
    pub(super) span: Span,
    pub(super) kind: ProblemKind,
}

/// What is wrong with a program.
pub(super) enum ProblemKind {
    Refused(String),
    Unknown(LookupError),
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
    /// The program has a module that is called as the crate of the tools is.
    own_root: bool,
    /// The path that is read begins with the crate's own name: what it does not lead to is an error. What a `use` brought
    /// may have been hidden by another name since.
    strict: bool,
    aliases: BTreeMap<String, Module>,
    named: Named,
    /// By line and column.
    doubts: BTreeMap<(usize, usize), String>,
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
                        self.strict = name == ROOT && !self.own_root;
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
                    let server = match find_rust_module(self.servers, name) {
                        Ok(server) => server,
                        Err(error) => {
                            self.unknown(error, token.span)?;
                            return Ok(index + 1);
                        }
                    };
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
            // A macro's variable: it may stand for any name.
            Kind::Punct('$') => {
                match module {
                    Module::Root => {
                        for server in 0..self.servers.len() {
                            self.glob(Module::Server(server));
                        }
                    }
                    Module::Server(_) => self.glob(module),
                }
                Ok(self.skip_rest(index + 2))
            }
            _ => Ok(index),
        }
    }

    /// A name that leads nowhere.
    fn unknown(&mut self, error: LookupError, span: Span) -> Result<(), Problem> {
        if self.strict {
            let kind = ProblemKind::Unknown(error);
            return Err(Problem { span, kind });
        }
        let place = span.start();
        let doubt = match error.nearest() {
            [] => error.to_string(),
            names => format!("{error}; did you mean `{}`?", names.join("`, `")),
        };
        self.doubts.insert((place.line, place.column), doubt);
        Ok(())
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
        let found = match find_rust(model, name) {
            Ok(found) => found,
            Err(error) => return self.unknown(error, span),
        };
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
