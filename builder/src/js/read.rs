//! Reads a JavaScript module: what it imports, what it exports, and where promises are dropped; and edits its text so that
//! the engine can run it. Edits stay on their line, so that the engine's positions can be led back.

use oxc::allocator::Allocator;
use oxc::ast::ast::{
    CallExpression, Expression, ExpressionStatement, ImportDeclaration, ImportDeclarationSpecifier,
    ImportExpression, ModuleDeclaration, Program, VariableDeclarator,
};
use oxc::ast_visit::{Visit, walk};
use oxc::parser::Parser;
use oxc::semantic::{Scoping, SemanticBuilder};
use oxc::span::{GetSpan, SourceType, Span};

use super::JsError;
use super::positions::{Position, line_column};
use super::strip::first_error;

/// What was read off a module.
pub(crate) struct ReadProgram {
    pub(crate) imports: Vec<Import>,
    edits: Vec<Edit>,
    /// The local name that holds the default export, where it is a declaration with a name.
    main: Option<String>,
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

/// The text for the engine.
pub(crate) struct Edited {
    pub(crate) text: String,
    pub(crate) positions: Vec<Position>,
}

struct Edit {
    at: usize,
    remove: usize,
    insert: String,
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
    let built = SemanticBuilder::new()
        .with_check_syntax_error(true)
        .build(&program);
    first_error(&built.diagnostics, text, file)?;
    let scoping = built.semantic.into_scoping();

    let mut reader = Reader {
        text,
        file,
        scoping: &scoping,
        imports: Vec::new(),
        edits: Vec::new(),
        main: None,
        has_default: false,
        fault: None,
    };
    if let Some(hashbang) = &program.hashbang {
        reader.blank(hashbang.span);
    }
    reader.read_modules(&program)?;
    reader.visit_program(&program);
    if let Some(fault) = reader.fault {
        return Err(fault);
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
    })
}

struct Reader<'a> {
    text: &'a str,
    file: &'a str,
    scoping: &'a Scoping,
    imports: Vec<Import>,
    edits: Vec<Edit>,
    main: Option<String>,
    has_default: bool,
    fault: Option<JsError>,
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
                    self.has_default = true;
                    let inner = export.declaration.span();
                    let name = match &export.declaration {
                        oxc::ast::ast::ExportDefaultDeclarationKind::FunctionDeclaration(f) => {
                            f.id.as_ref().map(|id| id.name.to_string())
                        }
                        oxc::ast::ast::ExportDefaultDeclarationKind::ClassDeclaration(c) => {
                            c.id.as_ref().map(|id| id.name.to_string())
                        }
                        _ => None,
                    };
                    let keyword = Span::new(export.span.start, inner.start);
                    if name.is_some() {
                        self.blank(keyword);
                        self.main = name;
                    } else {
                        self.replace(keyword, "__witgate.main = ");
                        self.insert(inner.end, ";");
                    }
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

    /// Replaces a span by spaces; line breaks stay.
    fn blank(&mut self, span: Span) {
        let text = &self.text[span.start as usize..span.end as usize];
        let insert = text
            .chars()
            .map(|c| if c == '\n' || c == '\r' { c } else { ' ' })
            .collect();
        self.edits.push(Edit {
            at: span.start as usize,
            remove: text.len(),
            insert,
        });
    }

    /// Replaces a span by text before which its line breaks are kept.
    fn replace(&mut self, span: Span, by: &str) {
        let text = &self.text[span.start as usize..span.end as usize];
        let mut insert: String = text.chars().filter(|c| *c == '\n').collect();
        insert.push_str(by);
        self.edits.push(Edit {
            at: span.start as usize,
            remove: text.len(),
            insert,
        });
    }

    fn insert(&mut self, at: u32, text: &str) {
        self.edits.push(Edit {
            at: at as usize,
            remove: 0,
            insert: text.to_owned(),
        });
    }

    fn wrap_dropped(&mut self, span: Span) {
        self.insert(span.start, "$witgate_dropped(");
        self.insert(span.end, ")");
    }
}

/// Whether an expression can leave a promise behind when its value is dropped.
fn may_drop_promise(expression: &Expression<'_>) -> bool {
    match expression {
        Expression::CallExpression(_)
        | Expression::NewExpression(_)
        | Expression::TaggedTemplateExpression(_)
        | Expression::ChainExpression(_) => true,
        Expression::UnaryExpression(unary) => may_drop_promise(&unary.argument),
        Expression::LogicalExpression(e) => may_drop_promise(&e.right),
        Expression::ConditionalExpression(e) => {
            may_drop_promise(&e.consequent) || may_drop_promise(&e.alternate)
        }
        Expression::SequenceExpression(e) => e.expressions.iter().any(may_drop_promise),
        Expression::ParenthesizedExpression(e) => may_drop_promise(&e.expression),
        _ => false,
    }
}

impl<'a> Visit<'a> for Reader<'_> {
    fn visit_expression_statement(&mut self, statement: &ExpressionStatement<'a>) {
        let mut expression = &statement.expression;
        // `void f()` drops the promise inside.
        while let Expression::UnaryExpression(unary) = expression {
            expression = &unary.argument;
        }
        if let Expression::SequenceExpression(sequence) = expression {
            for part in &sequence.expressions {
                if may_drop_promise(part) {
                    self.wrap_dropped(part.span());
                }
            }
        } else if may_drop_promise(expression) && !is_super_call(expression) {
            self.wrap_dropped(expression.span());
        }
        walk::walk_expression_statement(self, statement);
    }

    fn visit_variable_declarator(&mut self, declarator: &VariableDeclarator<'a>) {
        // A variable that is never read drops its value too.
        if let (Some(identifier), Some(init)) =
            (declarator.id.get_binding_identifier(), &declarator.init)
            && may_drop_promise(init)
            && identifier
                .symbol_id
                .get()
                .is_some_and(|id| self.scoping.symbol_is_unused(id))
        {
            self.wrap_dropped(init.span());
        }
        walk::walk_variable_declarator(self, declarator);
    }

    fn visit_import_expression(&mut self, import: &ImportExpression<'a>) {
        if self.fault.is_none() {
            self.fault = Some(self.fault_at(
                import.span,
                "a program cannot import at run time".into(),
                Some("name the tools at the top: `import { NAME } from \"mcp:SERVER\"`".into()),
            ));
        }
    }
}

/// `super(...)` is no value.
fn is_super_call(expression: &Expression<'_>) -> bool {
    matches!(expression, Expression::CallExpression(call) if is_super(call))
}

fn is_super(call: &CallExpression<'_>) -> bool {
    matches!(call.callee, Expression::Super(_))
}

impl ReadProgram {
    /// The text for the engine: imports and exports taken out, tools bound, dropped values watched.
    pub(crate) fn edit(mut self, text: &str, bindings: &[Binding]) -> Edited {
        let mut out = String::with_capacity(text.len() + 256);
        for binding in bindings {
            out.push_str(&format!(
                "const {}=__witgate.servers[{}][{}];",
                binding.local,
                serde_json::Value::from(binding.package.as_str()),
                serde_json::Value::from(binding.tool.as_str()),
            ));
        }
        let mut positions = vec![Position(0, out.chars().count() as u32, 0, 0)];
        // Where two edits meet, what closes comes before what opens, and the inner closes before the outer.
        self.edits.sort_by_key(|e| (e.at, e.insert != ")"));
        let mut from = 0;
        for edit in &self.edits {
            if edit.at < from {
                continue;
            }
            out.push_str(&text[from..edit.at]);
            out.push_str(&edit.insert);
            from = edit.at + edit.remove;
            let engine = line_column(&out, out.len());
            let author = line_column(text, from);
            positions.push(Position(engine.0, engine.1, author.0, author.1));
        }
        out.push_str(&text[from..]);
        if let Some(main) = &self.main {
            out.push_str(&format!("\n;__witgate.main = {main};"));
        }
        out.push_str(
            "\nasync function __witgate_run(input) { return __witgate.run(input); }\nexport { __witgate_run as run };\n",
        );
        Edited {
            text: out,
            positions,
        }
    }
}
