//! Conditions of grants and flow rules: Cedar expressions over a call's arguments and context, type-checked for each tool
//! against a Cedar schema made from the tool's model. Checked at load, decided at each call without clock or IO. What cannot
//! be decided is an error and never a guess.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use cedar_policy::ffi::DetailedError;
use cedar_policy::{
    Authorizer, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Expression,
    PolicySet, Schema, ValidationMode, ValidationWarning, Validator,
};
use chrono::SecondsFormat;
use serde_json::{Map, Value, json};
use witgate_codegen::model::ToolModel;

use super::{Condition, Policy};
use crate::definitions::Definition;

mod explain;
mod expression;
mod policy;
mod request;
mod shape;
mod stated;
#[cfg(test)]
mod tests;

use explain::{Fault, Reader};
use expression::{BEFORE, Mentions, SETS};
pub use policy::{CheckedPolicy, PolicyDenial};
pub use request::Request;
use request::{expression, record};
use shape::Shape;
use stated::{Said, claims_nothing};

/// A condition that does not hold together with a tool's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionError {
    /// Where the fault is: `grants.toml:7`, `grants.toml:7 (column 14 of the condition)`, `org.cedar:3:9`.
    pub at: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl std::fmt::Display for ConditionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.at, self.message)
    }
}

/// One tool as conditions see it.
#[derive(Debug)]
pub struct ToolSchema {
    /// `bank/send_money`, for messages.
    name: String,
    definition: Arc<Definition>,
    labels: Vec<String>,
    /// Everything under `context`.
    context: Shape,
    validator: Validator,
    /// The tool's groups, and the person's sets.
    entities: Entities,
    action: EntityUid,
    resource: EntityUid,
    program: EntityTypeName,
    /// What the conditions speak of: requests hold nothing else.
    asked: RwLock<Mentions>,
    /// The last request text: it stays the same for all calls of a run.
    said: Mutex<Option<Arc<Said>>>,
}

/// A condition that was type-checked for one tool.
#[derive(Debug)]
pub struct Checked {
    policies: PolicySet,
    entities: Entities,
    mentions: Mentions,
}

/// What conditions may ask about a call.
#[derive(Debug)]
pub struct Facts<'a> {
    /// As they will be sent.
    pub arguments: &'a Map<String, Value>,
    /// What the person asked for, in their own words, where the run was given that.
    pub request: Option<&'a str>,
    /// Names of the labels that the run has read.
    pub read: Vec<&'a str>,
    /// Calls of this tool that were let through before.
    pub calls: u64,
    /// Milliseconds since 1970.
    pub now: u64,
    /// SHA-256 hex of the program.
    pub program: &'a str,
}

/// Bytes of one condition's text: far more than anyone writes.
const LONGEST: usize = 8 * 1024;
/// How deep it may nest: Cedar follows nesting on the thread's stack.
const DEEPEST: usize = 240;

impl ToolSchema {
    /// What conditions of this tool may speak of; `labels` are all label names, `sets` the person's named lists.
    ///
    /// # Errors
    /// Cedar's reason, where it takes the schema for none. No tool is known for which it does.
    pub fn new(
        definition: &Arc<Definition>,
        labels: &[String],
        sets: &BTreeMap<String, Vec<String>>,
    ) -> Result<ToolSchema, String> {
        ToolSchema::in_groups(definition, &[], &[], labels, sets)
    }

    /// As `new`, with the tool's own labels and further actions that policies may name.
    fn in_groups(
        definition: &Arc<Definition>,
        own: &[String],
        actions: &[String],
        labels: &[String],
        sets: &BTreeMap<String, Vec<String>>,
    ) -> Result<ToolSchema, String> {
        let arguments = shape::arguments(&definition.model);
        let context = shape::context(arguments, sets);
        let id = action_id(&definition.server, &definition.model.tool);
        let groups = groups(&definition.server, own);
        let mut declared = Map::new();
        let known = labels.iter().map(|label| label_id(label));
        for action in known
            .chain(groups.iter().cloned())
            .chain(actions.iter().cloned())
        {
            declared.insert(action, json!({}));
        }
        let groups: Vec<Value> = groups.iter().map(|id| json!({"id": id})).collect();
        let applies = json!({
            "principalTypes": ["Program"],
            "resourceTypes": ["Server"],
            "context": context.cedar(),
        });
        declared.insert(
            id.clone(),
            json!({"memberOf": groups, "appliesTo": applies}),
        );
        let schema =
            json!({"": {"entityTypes": {"Program": {}, "Server": {}}, "actions": declared}});
        let schema = Schema::from_json_value(schema).map_err(|e| line(&e))?;
        let entities = schema.action_entities().map_err(|e| line(&e))?;
        let entities = entities
            .add_entities([sets_entity(sets)?], None)
            .map_err(|e| line(&e))?;
        Ok(ToolSchema {
            name: format!("{}/{}", definition.server, definition.model.tool),
            definition: Arc::clone(definition),
            labels: labels.to_vec(),
            context,
            validator: Validator::new(schema),
            entities,
            action: uid("Action", &id)?,
            resource: uid("Server", &definition.server)?,
            program: kind("Program")?,
            asked: RwLock::default(),
            said: Mutex::new(None),
        })
    }

    /// Holds a condition against the tool.
    ///
    /// # Errors
    /// The first fault, in the person's terms where there is a word for it.
    pub fn check(&self, condition: &Condition) -> Result<Checked, ConditionError> {
        let text = condition.text.as_str();
        let error = |fault: Fault, at: Option<usize>| {
            let at = at.or_else(|| locate(text, fault.word.as_deref()?));
            ConditionError {
                at: place(&condition.origin, text, at),
                message: fault.message,
                hint: fault.hint,
            }
        };
        if text.len() > LONGEST || depth(text) > DEEPEST {
            return Err(ConditionError {
                at: condition.origin.clone(),
                message: format!(
                    "the condition is longer than {LONGEST} bytes, or nests deeper than Cedar can follow"
                ),
                hint: Some("put lists of values into `[sets]`".to_owned()),
            });
        }
        // Parsed by itself first: the text may not end what is put around it.
        let syntax = |e: &cedar_policy::ParseErrors, before: usize| {
            let detail = DetailedError::from(e);
            let at = detail
                .source_locations
                .first()
                .map(|l| l.loc.start.saturating_sub(before));
            error(
                explain::syntax("this is no Cedar expression", &detail, text),
                at,
            )
        };
        Expression::from_str(text).map_err(|e| syntax(&e, 0))?;
        let policy = expression::policy(text).map_err(|e| syntax(&e, BEFORE.len()))?;
        let internal = |message: String| ConditionError {
            at: condition.origin.clone(),
            message,
            hint: None,
        };
        let mut est = policy.to_json().map_err(|e| internal(line(&e)))?;
        let mut mentions = Mentions::default();
        expression::bodies(&est).for_each(|body| mentions.add(body));
        if mentions.context {
            return Err(error(whole_context(), None));
        }
        let reader = self.reader(true);
        if let Some(fault) = expression::bodies(&est).find_map(|body| reader.fault(body)) {
            return Err(error(fault, None));
        }
        let policies = PolicySet::from_policies([policy]).map_err(|e| internal(line(&e)))?;
        let found = self.validator.validate(&policies, ValidationMode::Strict);
        if let Some(fault) = found.validation_errors().next() {
            let (start, end) = span(&DetailedError::from(fault));
            let (start, end) = (
                start.saturating_sub(BEFORE.len()),
                end.saturating_sub(BEFORE.len()),
            );
            let snippet = text.get(start..end).unwrap_or("");
            let whole = snippet.trim() == text.trim();
            let fault = reader.validation(fault, snippet, whole);
            let word = fault.word.as_deref();
            let within = word.and_then(|word| locate(snippet, word));
            return Err(error(fault, Some(start + within.unwrap_or(0))));
        }
        let impossible =
            |w: &ValidationWarning| matches!(w, ValidationWarning::ImpossiblePolicy(_));
        if found.validation_warnings().any(impossible) {
            let fault = expression::bodies(&est)
                .map(|body| reader.impossible(body))
                .next();
            return Err(error(fault.unwrap_or_else(whole_context), None));
        }
        expression::bodies_mut(&mut est).for_each(expression::as_decided);
        let policy = cedar_policy::Policy::from_json(None, est).map_err(|e| internal(line(&e)))?;
        self.expect(&mentions);
        Ok(Checked {
            policies: PolicySet::from_policies([policy]).map_err(|e| internal(line(&e)))?,
            entities: self.entities.clone(),
            mentions,
        })
    }

    /// One request per call, used by all conditions that were checked before; it holds what these speak of.
    #[must_use]
    pub fn request(&self, facts: &Facts<'_>) -> Request {
        let mut lost = Vec::new();
        let cedar = self.cedar_request(facts, &mut lost);
        // What the schema does not name is sent all the same, and no condition can bound it.
        let slots = self.arguments().slots();
        let is_named = |key: &&String| slots.iter().any(|slot| slot.name == **key);
        let undeclared = facts.arguments.keys().find(|key| !is_named(key)).cloned();
        Request {
            cedar,
            lost,
            undeclared,
        }
    }

    /// A line for everything that a condition may use, with its type: `context.args.amount: decimal`.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.context.describe("context", "", &mut out);
        out
    }

    fn reader(&self, strict: bool) -> Reader<'_> {
        Reader {
            tool: &self.name,
            context: &self.context,
            labels: &self.labels,
            strict,
        }
    }

    /// Requests hold from now on what these conditions speak of.
    fn expect(&self, mentions: &Mentions) {
        let mut asked = self.asked.write().unwrap_or_else(PoisonError::into_inner);
        asked.join(mentions);
    }

    fn said(&self, request: &str) -> Arc<Said> {
        let mut last = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(said) if said.request == request => Arc::clone(said),
            _ => Arc::clone(last.insert(Arc::new(Said::new(request)))),
        }
    }

    fn arguments(&self) -> &Shape {
        let mut slots = self.context.slots().iter();
        slots
            .find(|slot| slot.name == "args")
            .map_or(&self.context, |slot| &slot.shape)
    }

    fn cedar_request(
        &self,
        facts: &Facts<'_>,
        lost: &mut Vec<(String, String)>,
    ) -> Result<cedar_policy::Request, String> {
        use cedar_policy::RestrictedExpression as Restricted;
        let asked = self.asked.read().unwrap_or_else(PoisonError::into_inner);
        let slots = self.arguments().slots();
        let mut args = Vec::with_capacity(slots.len());
        for slot in slots.iter().filter(|slot| asked.argument(&slot.name)) {
            let Some(value) = facts.arguments.get(&slot.name) else {
                continue;
            };
            match expression(value, &slot.shape, &self.definition) {
                Ok(Some(value)) => args.push((slot.name.clone(), value)),
                Ok(None) => {}
                Err(why) => lost.push((slot.name.clone(), why)),
            }
        }
        let mut pairs = vec![("args".to_owned(), record(args)?)];
        let mut put = |name: &str, value: &dyn Fn() -> Restricted| {
            if asked.context(name) {
                pairs.push((name.to_owned(), value()));
            }
        };
        put("read", &|| {
            let read = facts.read.iter();
            Restricted::new_set(read.map(|label| Restricted::new_string((*label).to_owned())))
        });
        put("calls", &|| {
            Restricted::new_long(i64::try_from(facts.calls).unwrap_or(i64::MAX))
        });
        put("program", &|| {
            Restricted::new_string(facts.program.to_owned())
        });
        if asked.context("sets") {
            // Where sets are asked for, the entity is: see `as_decided`.
            pairs.push(("sets".to_owned(), record([])?));
        }
        if asked.stated {
            let said = facts.request.map(|request| self.said(request));
            let slots = slots.iter().filter(|slot| asked.stated(&slot.name));
            let stated = slots.map(|slot| {
                let stated = facts
                    .arguments
                    .get(&slot.name)
                    .is_none_or(|value| match &said {
                        Some(said) => said.covers(value, &slot.shape),
                        None => claims_nothing(value, &slot.shape),
                    });
                (slot.name.clone(), Restricted::new_bool(stated))
            });
            pairs.push(("stated".to_owned(), record(stated)?));
        }
        if asked.now {
            let now = i64::try_from(facts.now)
                .ok()
                .and_then(chrono::DateTime::from_timestamp_millis);
            match now {
                Some(now) => {
                    let now = now.to_rfc3339_opts(SecondsFormat::Millis, true);
                    pairs.push(("now".to_owned(), Restricted::new_datetime(now)));
                }
                None => lost.push((
                    "now".to_owned(),
                    "is no time that a calendar has".to_owned(),
                )),
            }
        }
        let context = cedar_policy::Context::from_pairs(pairs).map_err(|e| line(&e))?;
        let principal =
            EntityUid::from_type_name_and_id(self.program.clone(), EntityId::new(facts.program));
        let (action, resource) = (self.action.clone(), self.resource.clone());
        cedar_policy::Request::new(principal, action, resource, context, None).map_err(|e| line(&e))
    }
}

/// Why Cedar cannot decide; its own words may hold arguments.
fn reason(error: &cedar_policy::EvaluationError) -> &'static str {
    match error {
        cedar_policy::EvaluationError::IntegerOverflow(_) => "a number in it grows too large",
        cedar_policy::EvaluationError::RecursionLimit(_) => "it nests too deeply",
        _ => "Cedar cannot decide it for this call",
    }
}

impl Checked {
    /// Whether the condition holds for a call of the tool that it was checked for.
    ///
    /// # Errors
    /// Why it cannot be decided; a caller then decides as is safe.
    pub fn holds(&self, request: &Request) -> Result<bool, String> {
        if let Some((name, why)) = request
            .lost
            .iter()
            .find(|(name, _)| self.mentions.argument(name))
        {
            return Err(format!("cannot be evaluated: `{name}` {why}"));
        }
        if let Some(name) = &request.undeclared
            && ["args", "stated"]
                .iter()
                .any(|all| self.mentions.argument(all))
        {
            return Err(format!(
                "cannot be evaluated: `{name}` is no argument that the tool declares, and a condition on arguments bounds them all"
            ));
        }
        let cedar = request
            .cedar
            .as_ref()
            .map_err(|why| format!("cannot be evaluated: {why}"))?;
        let answer = Authorizer::new().is_authorized(cedar, &self.policies, &self.entities);
        if let Some(error) = answer.diagnostics().errors().next() {
            let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
            return Err(format!("cannot be evaluated: {}", reason(error.inner())));
        }
        Ok(answer.decision() == Decision::Allow)
    }
}

/// Whether a condition may ask after an argument of a tool: what Cedar has no type for cannot even be missed.
pub(super) fn can_ask(model: &ToolModel, argument: &str) -> bool {
    let arguments = shape::arguments(model);
    let mut slots = arguments.slots().iter();
    slots.any(|slot| slot.name == argument && !matches!(slot.shape, Shape::Opaque(_)))
}

/// `Action::"server/tool"`. A server's own `/` and `%` are escaped, so that the first `/` ends its name, and what would make
/// it look like a label.
fn action_id(server: &str, tool: &str) -> String {
    format!("{}/{tool}", server_id(server))
}

fn server_id(server: &str) -> String {
    let escaped = server.replace('%', "%25").replace('/', "%2F");
    match escaped.strip_prefix("label:") {
        Some(rest) => format!("label%3A{rest}"),
        None => escaped,
    }
}

fn label_id(label: &str) -> String {
    // No tool's id begins like this, since no server's does.
    format!("label:{label}")
}

/// The groups of a tool.
fn groups(server: &str, labels: &[String]) -> Vec<String> {
    let labels = labels.iter().map(|label| label_id(label));
    [server_id(server)].into_iter().chain(labels).collect()
}

fn sets_entity(sets: &BTreeMap<String, Vec<String>>) -> Result<Entity, String> {
    use cedar_policy::RestrictedExpression as Restricted;
    let sets = sets.iter().map(|(name, texts)| {
        let texts = texts.iter().cloned().map(Restricted::new_string);
        (name.clone(), Restricted::new_set(texts))
    });
    let attributes: HashMap<String, Restricted> = sets.collect();
    Entity::new(uid(SETS.0, SETS.1)?, attributes, Default::default()).map_err(|e| line(&e))
}

fn kind(name: &str) -> Result<EntityTypeName, String> {
    EntityTypeName::from_str(name).map_err(|e| line(&e))
}

fn uid(kind_name: &str, id: &str) -> Result<EntityUid, String> {
    Ok(EntityUid::from_type_name_and_id(
        kind(kind_name)?,
        EntityId::new(id),
    ))
}

/// How deep a text nests, roughly and from above: operators in a row, accesses in a row, and brackets and `if`, each of which
/// is several levels of the grammar.
fn depth(text: &str) -> usize {
    const LEVELS: usize = 5;
    let (mut open, mut brackets, mut chain, mut chains, mut operators) = (0_usize, 0, 0, 0, 0);
    for part in text.split('"').step_by(2) {
        for c in part.chars() {
            match c {
                '(' | '[' | '{' => open += 1,
                ')' | ']' | '}' => open = open.saturating_sub(1),
                '.' => chain += 1,
                '!' | '-' | '+' | '*' => operators += 1,
                '&' | '|' | '=' | '<' | '>' | ',' => chain = 0,
                _ => {}
            }
            brackets = open.max(brackets);
            chains = chain.max(chains);
        }
        operators += part.matches("&&").count() + part.matches("||").count();
        operators += LEVELS * part.matches("if").count();
    }
    LEVELS * brackets + chains + operators
}

fn whole_context() -> Fault {
    Fault {
        message: "`context` can only be used with a field".to_owned(),
        hint: Some("write for example `context.args`".to_owned()),
        word: Some("context".to_owned()),
    }
}

fn line(error: &dyn std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or("").to_owned()
}

/// Where Cedar found something, in bytes of what it was given.
fn span(error: &DetailedError) -> (usize, usize) {
    error
        .source_locations
        .first()
        .map_or((0, 0), |l| (l.loc.start, l.loc.end))
}

/// The first place in a text where a word stands by itself.
fn locate(text: &str, word: &str) -> Option<usize> {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word)
        .find(|(at, _)| {
            let (before, after) = (text.get(..*at), text.get(at + word.len()..));
            !part(before.and_then(|t| t.chars().next_back()))
                && !part(after.and_then(|t| t.chars().next()))
        })
        .map(|(at, _)| at)
}

/// Line and column of a byte, both from 1.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(start..).unwrap_or("").chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

/// `grants.toml:7 (column 3 of the condition)`: how far into the line the condition begins, the file does not say.
fn place(origin: &str, text: &str, at: Option<usize>) -> String {
    let Some(at) = at else {
        return origin.to_owned();
    };
    match position(text, at) {
        (line, column) if text.contains('\n') => {
            format!("{origin} (line {line}, column {column} of the condition)")
        }
        (_, column) => format!("{origin} (column {column} of the condition)"),
    }
}
