//! An organisation's policies: a whole Cedar file, type-checked for every tool of a run and asked at every call. As usual in
//! Cedar, what no policy permits is denied and what one forbids is denied; what cannot be decided is denied too.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;
use std::sync::Arc;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{
    ActionConstraint, Authorizer, Decision, EntityUid, PolicyId, PolicySet, ValidationMode,
};

use super::explain::{self, Fault};
use super::expression::{self, Mentions};
use super::{
    ConditionError, Facts, Policy, ToolSchema, action_id, groups, line, locate, position, span,
    whole_context,
};
use crate::definitions::Definition;

/// An organisation's policies, type-checked for the tools of a run.
#[derive(Debug)]
pub struct CheckedPolicy {
    policies: PolicySet,
    /// What each policy speaks of, by its id.
    mentions: Vec<(String, Mentions)>,
    tools: HashMap<String, HashMap<String, ForTool>>,
}

#[derive(Debug)]
struct ForTool {
    schema: ToolSchema,
    /// The policies whose scope the tool is in, as positions in `mentions`.
    concern: Vec<usize>,
}

/// Why an organisation's policies deny a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDenial {
    /// The policies that deny it: their `@id`, or `org.cedar:12`. Empty where none permits it.
    pub policies: Vec<String>,
    /// The end of a sentence: why.
    pub why: String,
}

/// A policy and where it stands.
struct Read {
    policy: cedar_policy::Policy,
    est: serde_json::Value,
    id: String,
    /// Bytes in the file.
    start: usize,
    end: usize,
}

impl CheckedPolicy {
    /// Holds policies against the tools of a run; each tool comes with the names of its labels.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn new(
        policy: &Policy,
        tools: &[(&Arc<Definition>, Vec<String>)],
        labels: &[String],
        sets: &BTreeMap<String, Vec<String>>,
    ) -> Result<CheckedPolicy, Vec<ConditionError>> {
        let all = read(policy).map_err(|e| vec![e])?;
        let whole = |message: String| ConditionError {
            at: policy.origin.clone(),
            message,
            hint: None,
        };
        let mut errors = Vec::new();
        let mut whole_used = Vec::new();
        let mut mentions = Vec::new();
        let mut asked = Mentions::default();
        for read in &all {
            let mut own = Mentions::default();
            for body in expression::bodies(&read.est) {
                own.add(body);
                asked.add(body);
            }
            if own.context {
                whole_used.push(read.policy.id());
                add(&mut errors, policy.error(whole_context(), read, None));
            }
            mentions.push((read.id.clone(), own));
        }
        let mut actions: Vec<String> = all.iter().flat_map(|read| actions(&read.policy)).collect();
        actions.extend(
            tools
                .iter()
                .map(|(d, _)| action_id(&d.server, &d.model.tool)),
        );
        let mut original = PolicySet::new();
        let mut policies = PolicySet::new();
        for read in &all {
            let mut est = read.est.clone();
            expression::bodies_mut(&mut est).for_each(expression::as_decided);
            let changed = cedar_policy::Policy::from_json(Some(read.policy.id().clone()), est);
            let changed = changed.map_err(|e| vec![whole(line(&e))])?;
            for (set, policy) in [
                (&mut policies, changed),
                (&mut original, read.policy.clone()),
            ] {
                set.add(policy).map_err(|e| vec![whole(line(&e))])?;
            }
        }
        let mut checked: HashMap<String, HashMap<String, ForTool>> = HashMap::new();
        for (definition, own) in tools {
            let schema = ToolSchema::in_groups(definition, own, &actions, labels, sets);
            let schema = schema.map_err(|e| vec![whole(e)])?;
            schema.expect(&asked);
            let mut concern = Vec::new();
            let mut told = whole_used.clone();
            for (at, read) in all.iter().enumerate() {
                let reader = schema.reader(false);
                for action in self::actions(&read.policy) {
                    if let Some(fault) = action.strip_prefix("label:").and_then(|l| reader.label(l))
                    {
                        add(&mut errors, policy.error(fault, read, None));
                    }
                }
                if concerns(&read.policy, definition, own) {
                    concern.push(at);
                    let found = expression::bodies(&read.est).find_map(|body| reader.fault(body));
                    if let Some(fault) = found {
                        told.push(read.policy.id());
                        add(&mut errors, policy.error(fault, read, None));
                    }
                }
            }
            let found = schema.validator.validate(&original, ValidationMode::Strict);
            for error in found.validation_errors() {
                let Some(read) = all
                    .iter()
                    .find(|read| read.policy.id() == error.policy_id())
                else {
                    continue;
                };
                // Said already, in the words of the tool.
                if told.contains(&read.policy.id()) {
                    continue;
                }
                let (start, end) = span(&DetailedError::from(error));
                let snippet = policy.text.get(start..end).unwrap_or("");
                let fault = schema.reader(false).validation(error, snippet, false);
                let word = fault.word.as_deref();
                let within = word.and_then(|word| locate(snippet, word));
                let start = start + within.unwrap_or(0);
                add(&mut errors, policy.error(fault, read, Some(start)));
            }
            let server = checked.entry(definition.server.clone()).or_default();
            server.insert(definition.model.tool.clone(), ForTool { schema, concern });
        }
        match errors.is_empty() {
            true => Ok(CheckedPolicy {
                policies,
                mentions,
                tools: checked,
            }),
            false => Err(errors),
        }
    }

    /// Whether the policies let a call through.
    ///
    /// # Errors
    /// Which policies deny it, or why none permits it.
    pub fn allows(&self, server: &str, tool: &str, facts: &Facts<'_>) -> Result<(), PolicyDenial> {
        let denial = |policies: Vec<String>, why: String| Err(PolicyDenial { policies, why });
        let Some(known) = self.tools.get(server).and_then(|tools| tools.get(tool)) else {
            return denial(
                Vec::new(),
                "the policies were not checked for it".to_owned(),
            );
        };
        let request = known.schema.request(facts);
        let concern = known.concern.iter().filter_map(|at| self.mentions.get(*at));
        for (id, mentions) in concern {
            if let Some((name, why)) = request
                .lost
                .iter()
                .find(|(name, _)| mentions.argument(name))
            {
                return denial(
                    vec![id.clone()],
                    format!("cannot be evaluated: `{name}` {why}"),
                );
            }
            if let Some(name) = &request.undeclared
                && ["args", "stated"].iter().any(|all| mentions.argument(all))
            {
                return denial(
                    vec![id.clone()],
                    format!("cannot be evaluated: `{name}` is no argument that the tool declares"),
                );
            }
        }
        let cedar = match &request.cedar {
            Ok(cedar) => cedar,
            Err(why) => return denial(Vec::new(), format!("cannot be evaluated: {why}")),
        };
        let answer = Authorizer::new().is_authorized(cedar, &self.policies, &known.schema.entities);
        let mut errors = answer.diagnostics().errors().peekable();
        if let Some(cedar_policy::AuthorizationError::PolicyEvaluationError(first)) = errors.peek()
        {
            let why = format!("cannot be evaluated: {}", super::reason(first.inner()));
            let ids = errors.map(|e| {
                let cedar_policy::AuthorizationError::PolicyEvaluationError(e) = e;
                self.name(e.policy_id())
            });
            return denial(ids.collect(), why);
        }
        if answer.decision() == Decision::Allow {
            return Ok(());
        }
        let mut ids: Vec<String> = answer
            .diagnostics()
            .reason()
            .map(|id| self.name(id))
            .collect();
        ids.sort();
        match ids.as_slice() {
            [] => denial(ids, "no policy permits it".to_owned()),
            [id] => denial(ids.clone(), format!("the policy `{id}` forbids it")),
            _ => {
                let why = format!("the policies `{}` forbid it", ids.join("`, `"));
                denial(ids, why)
            }
        }
    }

    fn name(&self, id: &PolicyId) -> String {
        let at: Option<usize> = id.to_string().parse().ok();
        let named = at.and_then(|at| self.mentions.get(at));
        named.map_or_else(|| id.to_string(), |(name, _)| name.clone())
    }
}

/// One fault is often found for several tools.
fn add(errors: &mut Vec<ConditionError>, error: ConditionError) {
    if !errors.contains(&error) {
        errors.push(error);
    }
}

impl Policy {
    fn error(&self, fault: Fault, read: &Read, at: Option<usize>) -> ConditionError {
        let word = || {
            let own = self.text.get(read.start..read.end)?;
            Some(read.start + locate(own, fault.word.as_deref()?)?)
        };
        let (line, column) = position(&self.text, at.or_else(word).unwrap_or(read.start));
        ConditionError {
            at: format!("{}:{line}:{column}", self.origin),
            message: fault.message,
            hint: fault.hint,
        }
    }
}

/// The policies in the order of the file; their ids in Cedar are their positions.
fn read(policy: &Policy) -> Result<Vec<Read>, ConditionError> {
    let text = policy.text.as_str();
    let error = |fault: Fault, at: usize| {
        let (line, column) = position(text, at);
        ConditionError {
            at: format!("{}:{line}:{column}", policy.origin),
            message: fault.message,
            hint: fault.hint,
        }
    };
    let set = PolicySet::from_str(text).map_err(|e| {
        let detail = DetailedError::from(&e);
        error(
            explain::syntax("these are no Cedar policies", &detail, text),
            span(&detail).0,
        )
    })?;
    if let Some(template) = set.templates().next() {
        let at = template.as_ref().loc().map_or(0, |loc| loc.start());
        let fault = Fault {
            message: "policies with slots cannot be used".to_owned(),
            hint: Some("write a policy without `?principal` and `?resource`".to_owned()),
            word: None,
        };
        return Err(error(fault, at));
    }
    let mut found: Vec<(usize, usize, &cedar_policy::Policy)> = set
        .policies()
        .map(|policy| {
            let loc = policy.as_ref().loc();
            (
                loc.map_or(0, |l| l.start()),
                loc.map_or(text.len(), |l| l.end()),
                policy,
            )
        })
        .collect();
    found.sort_by_key(|(start, ..)| *start);
    let file = policy.origin.as_str();
    let all = found
        .into_iter()
        .enumerate()
        .map(|(at, (start, end, policy))| {
            let id = match policy.annotation("id") {
                Some(id) if !id.is_empty() => id.to_owned(),
                _ => format!("{file}:{}", position(text, start).0),
            };
            let est = policy.to_json().map_err(|e| ConditionError {
                at: file.to_owned(),
                message: line(&e),
                hint: None,
            })?;
            let policy = policy.new_id(PolicyId::new(at.to_string()));
            Ok(Read {
                policy,
                est,
                id,
                start,
                end,
            })
        });
    all.collect()
}

/// The ids of the actions that a policy names.
fn actions(policy: &cedar_policy::Policy) -> Vec<String> {
    let scope = match policy.action_constraint() {
        ActionConstraint::Any => Vec::new(),
        ActionConstraint::In(all) => all,
        ActionConstraint::Eq(one) => vec![one],
    };
    let all = scope.into_iter().chain(policy.entity_literals());
    let actions = all.filter(|uid| uid.type_name().to_string() == "Action");
    actions.map(|uid| id(&uid)).collect()
}

fn id(uid: &EntityUid) -> String {
    uid.id().unescaped().to_owned()
}

/// Whether the policy's scope has a place for the tool.
fn concerns(policy: &cedar_policy::Policy, definition: &Definition, labels: &[String]) -> bool {
    let own = action_id(&definition.server, &definition.model.tool);
    let groups = groups(&definition.server, labels);
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::In(all) => all
            .iter()
            .map(id)
            .any(|id| id == own || groups.contains(&id)),
        ActionConstraint::Eq(one) => id(&one) == own,
    }
}
