//! Finds where a program makes, drops, keeps and awaits promises, and puts calls of the prelude there: the engine reports no
//! rejection that nothing handles. What these calls do is in the prelude (`core.js`).
//!
//! A promise is *dropped* where a statement's value is one, *watched* where an async function of this program or a `Promise`
//! constructor makes one, and *waited for* where it is awaited. It also finds `import()`, which no program may use.

use std::collections::{BTreeSet, HashSet};

use oxc::ast::ast::{
    Argument, AssignmentExpression, AssignmentTarget, AwaitExpression, CallExpression,
    ChainElement, ChainExpression, Expression, ExpressionStatement, ForOfStatement, Function,
    ImportExpression, MemberExpression, MethodDefinition, NewExpression, ObjectProperty, Program,
    PropertyDefinition, UnaryExpression, UnaryOperator, VariableDeclarator, YieldExpression,
};
use oxc::ast_visit::{Visit, walk};
use oxc::semantic::{ScopeFlags, Scoping};
use oxc::span::{GetSpan, Span};

use super::edit::Edits;

/// Writes the calls into a program; `prelude` is the name under which it holds the prelude. Returns where it imports at
/// run time, if it does.
pub(crate) fn watch_promises(
    program: &Program<'_>,
    scoping: &Scoping,
    prelude: &str,
    edits: &mut Edits,
) -> Option<Span> {
    let mut names = AsyncNames::default();
    names.visit_program(program);
    let mut watcher = Watcher {
        scoping,
        prelude,
        names: names.0,
        edits,
        done: HashSet::new(),
        functions: Vec::new(),
        dynamic_import: None,
    };
    watcher.visit_program(program);
    watcher.dynamic_import
}

/// The names under which the program keeps its async functions, whatever holds them.
#[derive(Default)]
struct AsyncNames(BTreeSet<String>);

impl AsyncNames {
    fn add(&mut self, name: Option<impl Into<String>>) {
        self.0.extend(name.map(Into::into));
    }
}

impl<'a> Visit<'a> for AsyncNames {
    fn visit_function(&mut self, function: &Function<'a>, flags: ScopeFlags) {
        if gives_promise(function) {
            self.add(function.id.as_ref().map(|id| id.name.as_str()));
        }
        walk::walk_function(self, function, flags);
    }

    fn visit_variable_declarator(&mut self, declarator: &VariableDeclarator<'a>) {
        if declarator.init.as_ref().is_some_and(is_async_function) {
            let id = declarator.id.get_binding_identifier();
            self.add(id.map(|id| id.name.as_str()));
        }
        walk::walk_variable_declarator(self, declarator);
    }

    fn visit_assignment_expression(&mut self, assignment: &AssignmentExpression<'a>) {
        if is_async_function(&assignment.right) {
            match &assignment.left {
                AssignmentTarget::AssignmentTargetIdentifier(id) => self.add(Some(&*id.name)),
                AssignmentTarget::StaticMemberExpression(m) => self.add(Some(&*m.property.name)),
                AssignmentTarget::PrivateFieldExpression(m) => self.add(Some(&*m.field.name)),
                _ => {}
            }
        }
        walk::walk_assignment_expression(self, assignment);
    }

    fn visit_object_property(&mut self, property: &ObjectProperty<'a>) {
        if is_async_function(&property.value) {
            self.add(property.key.name());
        }
        walk::walk_object_property(self, property);
    }

    fn visit_method_definition(&mut self, method: &MethodDefinition<'a>) {
        if gives_promise(&method.value) {
            self.add(method.key.name());
        }
        walk::walk_method_definition(self, method);
    }

    fn visit_property_definition(&mut self, property: &PropertyDefinition<'a>) {
        if property.value.as_ref().is_some_and(is_async_function) {
            self.add(property.key.name());
        }
        walk::walk_property_definition(self, property);
    }
}

fn gives_promise(function: &Function<'_>) -> bool {
    function.r#async && !function.generator
}

fn is_async_function(expression: &Expression<'_>) -> bool {
    match expression.without_parentheses() {
        Expression::ArrowFunctionExpression(f) => f.r#async,
        Expression::FunctionExpression(f) => gives_promise(f),
        _ => false,
    }
}

struct Watcher<'a> {
    scoping: &'a Scoping,
    prelude: &'a str,
    names: BTreeSet<String>,
    edits: &'a mut Edits,
    /// Where expressions start and end that are wrapped already or need not be.
    done: HashSet<(u32, u32)>,
    /// Of the functions around this place, whether each is an async generator.
    functions: Vec<bool>,
    dynamic_import: Option<Span>,
}

impl Watcher<'_> {
    fn wrap(&mut self, span: Span, function: &str) {
        self.edits
            .wrap(span, &format!("{}.{function}", self.prelude));
    }

    /// What is awaited is waited for, and need not be watched where it is made.
    fn wait(&mut self, expression: &Expression<'_>) {
        self.done.insert(place(expression.without_parentheses()));
        self.wrap(expression.span(), "wait");
    }

    fn drop(&mut self, expression: &Expression<'_>) {
        match expression {
            Expression::SequenceExpression(sequence) => {
                sequence.expressions.iter().for_each(|part| self.drop(part));
            }
            Expression::ParenthesizedExpression(inner) => self.drop(&inner.expression),
            // `!f()`; `void f()` is seen where it stands.
            Expression::UnaryExpression(unary) if unary.operator != UnaryOperator::Void => {
                self.drop(&unary.argument);
            }
            _ if may_be_promise(expression) && self.done.insert(place(expression)) => {
                self.wrap(expression.span(), "drop");
            }
            _ => {}
        }
    }

    fn makes_promise(&self, call: &CallExpression<'_>) -> bool {
        match call.callee.without_parentheses() {
            Expression::Identifier(id) => self.names.contains(id.name.as_str()),
            Expression::StaticMemberExpression(member) => {
                let of_promise =
                    matches!(&member.object, Expression::Identifier(id) if id.name == "Promise");
                of_promise || self.names.contains(member.property.name.as_str())
            }
            Expression::PrivateFieldExpression(member) => {
                self.names.contains(member.field.name.as_str())
            }
            callee => is_async_function(callee),
        }
    }

    fn watch_callbacks(&mut self, arguments: &[Argument<'_>]) {
        for argument in arguments.iter().filter_map(Argument::as_expression) {
            if is_async_function(argument) {
                self.wrap(argument.span(), "watched");
            }
        }
    }
}

impl<'a> Visit<'a> for Watcher<'_> {
    fn visit_expression_statement(&mut self, statement: &ExpressionStatement<'a>) {
        self.drop(&statement.expression);
        walk::walk_expression_statement(self, statement);
    }

    fn visit_unary_expression(&mut self, unary: &UnaryExpression<'a>) {
        if unary.operator == UnaryOperator::Void {
            self.drop(&unary.argument);
        }
        walk::walk_unary_expression(self, unary);
    }

    fn visit_variable_declarator(&mut self, declarator: &VariableDeclarator<'a>) {
        // A variable that is never read drops its value too.
        let id = declarator.id.get_binding_identifier();
        let symbol = id.and_then(|id| id.symbol_id.get());
        if let (Some(symbol), Some(init)) = (symbol, &declarator.init)
            && self.scoping.symbol_is_unused(symbol)
        {
            self.drop(init);
        }
        walk::walk_variable_declarator(self, declarator);
    }

    fn visit_await_expression(&mut self, expression: &AwaitExpression<'a>) {
        self.wait(&expression.argument);
        walk::walk_await_expression(self, expression);
    }

    fn visit_yield_expression(&mut self, expression: &YieldExpression<'a>) {
        // An async generator awaits what it yields.
        if let Some(argument) = &expression.argument
            && !expression.delegate
            && self.functions.last() == Some(&true)
        {
            self.wait(argument);
        }
        walk::walk_yield_expression(self, expression);
    }

    fn visit_for_of_statement(&mut self, statement: &ForOfStatement<'a>) {
        if statement.r#await {
            self.wrap(statement.right.span(), "each");
        }
        walk::walk_for_of_statement(self, statement);
    }

    fn visit_function(&mut self, function: &Function<'a>, flags: ScopeFlags) {
        self.functions.push(function.r#async && function.generator);
        walk::walk_function(self, function, flags);
        self.functions.pop();
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        let at = (call.span.start, call.span.end);
        if self.makes_promise(call) && self.done.insert(at) {
            self.wrap(call.span, "watch");
        }
        self.watch_callbacks(&call.arguments);
        walk::walk_call_expression(self, call);
    }

    fn visit_chain_expression(&mut self, chain: &ChainExpression<'a>) {
        // A call in the middle of a chain is skipped with the rest of it: only the whole can be wrapped.
        let mut inner = match &chain.expression {
            ChainElement::CallExpression(call) => Some(&call.callee),
            element => element.as_member_expression().map(MemberExpression::object),
        };
        while let Some(expression) = inner {
            self.done.insert(place(expression));
            inner = match expression {
                Expression::CallExpression(call) => Some(&call.callee),
                expression => expression
                    .as_member_expression()
                    .map(MemberExpression::object),
            };
        }
        walk::walk_chain_expression(self, chain);
    }

    fn visit_new_expression(&mut self, new: &NewExpression<'a>) {
        let at = (new.span.start, new.span.end);
        let promise = matches!(&new.callee, Expression::Identifier(id) if id.name == "Promise");
        if promise && self.done.insert(at) {
            self.wrap(new.span, "watch");
        }
        self.watch_callbacks(&new.arguments);
        walk::walk_new_expression(self, new);
    }

    fn visit_import_expression(&mut self, import: &ImportExpression<'a>) {
        self.dynamic_import.get_or_insert(import.span);
        walk::walk_import_expression(self, import);
    }
}

fn place(expression: &Expression<'_>) -> (u32, u32) {
    let span = expression.span();
    (span.start, span.end)
}

/// Whether an expression can leave a promise behind when its value is dropped.
fn may_be_promise(expression: &Expression<'_>) -> bool {
    match expression {
        // `super(...)` is no value.
        Expression::CallExpression(call) => !matches!(call.callee, Expression::Super(_)),
        Expression::NewExpression(_)
        | Expression::TaggedTemplateExpression(_)
        | Expression::ChainExpression(_) => true,
        Expression::LogicalExpression(e) => may_be_promise(&e.right),
        Expression::ConditionalExpression(e) => {
            may_be_promise(&e.consequent) || may_be_promise(&e.alternate)
        }
        Expression::ParenthesizedExpression(e) => may_be_promise(&e.expression),
        _ => false,
    }
}
