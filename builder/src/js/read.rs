//! Reads a JavaScript module: what it imports and what it exports; and edits its text so that the engine can run it: both are
//! taken out, the tools are bound by name, the default export is handed to the prelude.

use oxc::allocator::Allocator;
use oxc::ast::ast::{
    ExportDefaultDeclaration, ExportDefaultDeclarationKind, ImportDeclaration,
    ImportDeclarationSpecifier, ModuleDeclaration, Program,
};
use oxc::parser::Parser;
use oxc::semantic::SemanticBuilder;
use oxc::span::{GetSpan, SourceType, Span};

use super::JsError;
use super::edit::{Edited, Edits};
use super::nesting::check_nesting;
use super::positions::line_column;
use super::promises::watch_promises;
use super::strip::first_error;

/// What was read off a module.
pub(crate) struct ReadProgram {
    pub(crate) imports: Vec<Import>,
    edits: Edits,
    /// The local name that holds the default export, where it is a declaration with a name.
    main: Option<String>,
    /// The name under which the program holds the prelude: none of its own.
    prelude: String,
}

/// One imported name.
pub(crate) struct Import {
    /// `mcp:github`.
    pub(crate) specifier: String,
    /// Line and column, from 1.
    pub(crate) specifier_at: (u32, u32),
    /// The name the module exports.
    pub(crate) name: String,
    /// Line and column, from 1.
    pub(crate) name_at: (u32, u32),
    /// The name in the program.
    pub(crate) local: String,
}

/// A name of the program bound to a tool.
pub(crate) struct Binding {
    pub(crate) package: String,
    pub(crate) tool: String,
    pub(crate) local: String,
}

/// Reads a module.
///
/// # Errors
/// [`JsError::Source`] and [`JsError::NoDefaultExport`].
pub(crate) fn read_program(text: &str, file: &str) -> Result<ReadProgram, JsError> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, SourceType::mjs()).parse();
    first_error(&parsed.diagnostics, text, file)?;
    let program = parsed.program;
    check_nesting(&program, text, file)?;
    let built = SemanticBuilder::new()
        .with_check_syntax_error(true)
        .build(&program);
    first_error(&built.diagnostics, text, file)?;
    let scoping = built.semantic.into_scoping();

    let mut prelude = "$witgate".to_owned();
    while text.contains(&prelude) {
        prelude.push('_');
    }
    let mut reader = Reader {
        text,
        file,
        prelude: &prelude,
        imports: Vec::new(),
        edits: Edits::default(),
        main: None,
        has_default: false,
    };
    if let Some(hashbang) = &program.hashbang {
        reader.edits.blank(text, hashbang.span);
    }
    reader.read_modules(&program)?;
    if let Some(at) = watch_promises(&program, &scoping, &prelude, &mut reader.edits) {
        return Err(reader.fault_at(
            at,
            "a program cannot import at run time".into(),
            Some("name the tools at the top: `import { NAME } from \"mcp:SERVER\"`".into()),
        ));
    }
    if !reader.has_default {
        return Err(JsError::NoDefaultExport {
            file: file.to_owned(),
        });
    }
    Ok(ReadProgram {
        imports: reader.imports,
        edits: reader.edits,
        main: reader.main,
        prelude,
    })
}

struct Reader<'a> {
    text: &'a str,
    file: &'a str,
    prelude: &'a str,
    imports: Vec<Import>,
    edits: Edits,
    main: Option<String>,
    has_default: bool,
}

impl Reader<'_> {
    fn read_modules(&mut self, program: &Program<'_>) -> Result<(), JsError> {
        for statement in &program.body {
            let Some(module) = statement.as_module_declaration() else {
                continue;
            };
            match module {
                ModuleDeclaration::ImportDeclaration(import) => self.read_import(import)?,
                ModuleDeclaration::ExportDefaultDeclaration(export) => {
                    self.read_default(export)?;
                }
                ModuleDeclaration::ExportDeclaration(export) => {
                    self.blank(Span::new(
                        export.span.start,
                        export.declaration.span().start,
                    ));
                }
                ModuleDeclaration::ExportNamedDeclaration(export) => {
                    let default = export
                        .specifiers
                        .iter()
                        .find(|s| s.exported.name() == "default");
                    if let Some(specifier) = default {
                        self.has_default = true;
                        self.main = Some(specifier.local.name().to_string());
                    }
                    self.blank(export.span);
                }
                ModuleDeclaration::ExportFromDeclaration(export) => {
                    return Err(self.fault_at(
                        export.span,
                        "a program is one file and exports only its default function".into(),
                        None,
                    ));
                }
                ModuleDeclaration::ExportAllDeclaration(export) => {
                    return Err(self.fault_at(
                        export.span,
                        "a program is one file and exports only its default function".into(),
                        None,
                    ));
                }
                ModuleDeclaration::TSExportAssignment(_)
                | ModuleDeclaration::TSNamespaceExportDeclaration(_) => {}
            }
        }
        Ok(())
    }

    fn read_default(&mut self, export: &ExportDefaultDeclaration<'_>) -> Result<(), JsError> {
        use ExportDefaultDeclarationKind as Kind;
        self.has_default = true;
        let what = match &export.declaration {
            Kind::ClassDeclaration(_) | Kind::ClassExpression(_) => Some("a class"),
            Kind::ObjectExpression(_) => Some("an object"),
            Kind::ArrayExpression(_) => Some("an array"),
            Kind::NullLiteral(_) => Some("null"),
            Kind::StringLiteral(_) | Kind::TemplateLiteral(_) => Some("a string"),
            Kind::NumericLiteral(_) | Kind::BigIntLiteral(_) => Some("a number"),
            Kind::BooleanLiteral(_) => Some("a boolean"),
            Kind::FunctionDeclaration(f) if f.generator => Some("a generator"),
            _ => None,
        };
        let inner = export.declaration.span();
        if let Some(what) = what {
            return Err(self.fault_at(
                inner,
                format!("the default export is not a function but {what}"),
                Some(
                    "a program is a module with `export default async function (input) { ... }`"
                        .into(),
                ),
            ));
        }
        let name = match &export.declaration {
            Kind::FunctionDeclaration(f) => f.id.as_ref().map(|id| id.name.to_string()),
            _ => None,
        };
        let keyword = Span::new(export.span.start, inner.start);
        if name.is_some() {
            self.blank(keyword);
            self.main = name;
        } else {
            let assign = format!("{}.main = ", self.prelude);
            self.edits.replace(self.text, keyword, &assign);
            self.edits.insert(inner.end, ";");
        }
        Ok(())
    }

    fn read_import(&mut self, import: &ImportDeclaration<'_>) -> Result<(), JsError> {
        let specifier = import.source.value.to_string();
        if !specifier.starts_with("mcp:") {
            return Err(self.fault_at(
                import.source.span,
                format!("`{specifier}` cannot be imported"),
                Some("a program is one file and imports only tools: `import { NAME } from \"mcp:SERVER\"`".into()),
            ));
        }
        let named = "import tools by name: `import { NAME } from \"mcp:SERVER\"`";
        for item in import.specifiers.iter().flatten() {
            match item {
                ImportDeclarationSpecifier::ImportSpecifier(item) => {
                    self.imports.push(Import {
                        specifier: specifier.clone(),
                        specifier_at: self.at(import.source.span),
                        name: item.imported.name().to_string(),
                        name_at: self.at(item.imported.span()),
                        local: item.local.name.to_string(),
                    });
                }
                ImportDeclarationSpecifier::ImportDefaultSpecifier(item) => {
                    return Err(self.fault_at(
                        item.span,
                        format!("`{specifier}` has no default export"),
                        Some(named.into()),
                    ));
                }
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(item) => {
                    return Err(self.fault_at(
                        item.span,
                        "a program names each tool it may call".into(),
                        Some(named.into()),
                    ));
                }
            }
        }
        self.blank(import.span);
        Ok(())
    }

    fn at(&self, span: Span) -> (u32, u32) {
        let (line, column) = line_column(self.text, span.start as usize);
        (line + 1, column + 1)
    }

    fn fault_at(&self, span: Span, message: String, hint: Option<String>) -> JsError {
        let (line, column) = self.at(span);
        JsError::Source {
            file: self.file.to_owned(),
            line,
            column,
            message,
            hint,
        }
    }

    fn blank(&mut self, span: Span) {
        self.edits.blank(self.text, span);
    }
}

impl ReadProgram {
    /// The text for the engine: imports and exports taken out, tools bound, promises watched.
    pub(crate) fn edit(self, text: &str, bindings: &[Binding]) -> Edited {
        let quote = |name: &str| serde_json::Value::from(name).to_string();
        let prelude = &self.prelude;
        // The program's own statements are the body of a function: the prelude runs it within `run`, where tools can be
        // called, where an error keeps its class, and where a wait without end is seen.
        let mut header = format!("const {prelude}=globalThis.__witgate;{prelude}.body=async()=>{{");
        for binding in bindings {
            header.push_str(&format!(
                "const {}={prelude}.servers[{}][{}];",
                binding.local,
                quote(&binding.package),
                quote(&binding.tool),
            ));
        }
        let mut edited = self.edits.apply(text, &header);
        if let Some(main) = &self.main {
            edited
                .text
                .push_str(&format!("\n;{prelude}.main = {main};"));
        }
        edited.text.push_str(&format!(
            "\n}};\nconst {prelude}_run = {prelude}.run;\nexport {{ {prelude}_run as run }};\n"
        ));
        edited
    }
}
