//! Grants held against the tools that are there: what each tool is subject to, its conditions type-checked. What a person
//! wrote is `grants`; this is what admission and the gate go by.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::definitions::{Definition, Definitions};
use crate::grants::condition::{Checked, CheckedPolicy, ConditionError, ToolSchema};
use crate::grants::{Condition, Grant, Grants, GrantsError};
use crate::labels::{Flow, LabelSet, Then};
use crate::sealed::SealRule;

/// Grants whose conditions hold together with the schemas of the tools. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    grants: Arc<Grants>,
    tools: Arc<HashMap<(String, String), Arc<ToolRules>>>,
    pub(crate) policy: Option<Arc<CheckedPolicy>>,
}

/// Conditions that do not fit a tool are dropped with their grant, for that tool alone: a pattern may speak of many tools. A
/// condition that fits none of its tools, or not the one that it names, is an error.
#[derive(Default)]
struct Misfits {
    /// By where a condition was written: whether it fits some tool, and why not the others.
    by_condition: IndexMap<String, (bool, Vec<ConditionError>)>,
    fatal: Vec<ConditionError>,
}

impl Misfits {
    fn note(&mut self, condition: &Condition, is_named: bool, error: Option<ConditionError>) {
        let seen = self
            .by_condition
            .entry(condition.origin.clone())
            .or_default();
        match error {
            None => seen.0 = true,
            Some(error) if is_named => self.fatal.push(error),
            Some(error) if seen.1.len() < TOLD => seen.1.push(error),
            Some(_) => {}
        }
    }

    fn errors(self) -> Vec<ConditionError> {
        let unfit = self.by_condition.into_values().filter(|(fits, _)| !fits);
        let mut all = self.fatal;
        all.extend(unfit.flat_map(|(_, errors)| errors));
        all
    }
}

/// Tools that are named where a condition fits none.
const TOLD: usize = 3;

/// What one tool is subject to.
#[derive(Debug, Default)]
pub struct ToolRules {
    /// What a person calls it.
    pub labels: LabelSet,
    /// The grants that speak of it, as indices into [`Grants::grants`], with their conditions.
    pub(crate) grants: Vec<(usize, Option<Checked>)>,
    /// Why a grant that speaks of it does not allow it: its condition does not fit the tool.
    pub(crate) unfit: Vec<ConditionError>,
    /// The flow rules that may concern a call of it, as indices into [`Grants::flows`], with their exceptions.
    pub(crate) flows: Vec<(usize, Option<Checked>)>,
    /// What is sealed in its results, as indices into [`Grants::seals`].
    pub(crate) seals: Vec<usize>,
    /// There where it has a condition.
    pub(crate) schema: Option<ToolSchema>,
}

impl Grants {
    /// Holds every condition against the schemas of the tools that it speaks of.
    ///
    /// # Errors
    /// [`GrantsError::Conditions`], with all that is wrong.
    pub fn check(&self, definitions: &Definitions) -> Result<Rules, GrantsError> {
        let mut misfits = Misfits::default();
        let mut tools = HashMap::new();
        let mut all = Vec::new();
        for server in definitions.models.iter() {
            for model in &server.tools {
                let Some(definition) = definitions.get(&server.server, &model.tool) else {
                    continue;
                };
                let rules = self.of_tool(definition, &mut misfits);
                if self.policy.is_some() {
                    let labels = self.names.of(rules.labels).map(str::to_owned).collect();
                    all.push((definition, labels));
                }
                let name = (server.server.clone(), model.tool.clone());
                tools.insert(name, Arc::new(rules));
            }
        }
        let mut errors = misfits.errors();
        errors.extend(self.idle(definitions));
        let mut checked = None;
        if let Some(policy) = &self.policy {
            match CheckedPolicy::new(policy, &all, self.names.all(), &self.sets) {
                Ok(policy) => checked = Some(Arc::new(policy)),
                Err(wrong) => errors.extend(wrong),
            }
        }
        if errors.is_empty() {
            Ok(Rules {
                grants: Arc::new(self.clone()),
                tools: Arc::new(tools),
                policy: checked,
            })
        } else {
            Err(GrantsError::Conditions(errors))
        }
    }

    /// Labels and seals that speak of a server that is there and of none of its tools: a slip in a name, and a hole.
    fn idle(&self, definitions: &Definitions) -> Vec<ConditionError> {
        let labels = self
            .labels
            .iter()
            .map(|given| (&given.tools, &given.origin));
        let seals = self.seals.iter().map(|seal| (&seal.tools, &seal.origin));
        let mut errors = Vec::new();
        for (pattern, origin) in labels.chain(seals) {
            let servers = definitions.models.iter();
            let servers: Vec<_> = servers
                .filter(|s| pattern.matches_server(&s.server))
                .collect();
            let mut tools = servers
                .iter()
                .flat_map(|s| s.tools.iter().map(|t| (&s.server, &t.tool)));
            if let Some(server) = servers.first()
                && !tools.any(|(server, tool)| pattern.matches(server, tool))
            {
                errors.push(ConditionError {
                    at: origin.clone(),
                    message: format!("no tool of `{}` has such a name", server.server),
                    hint: Some(format!(
                        "`witgate tools --server {}` lists them",
                        server.server
                    )),
                });
            }
        }
        errors
    }

    fn of_tool(&self, definition: &Arc<Definition>, misfits: &mut Misfits) -> ToolRules {
        let (server, tool) = (definition.server.as_str(), definition.tool.name.as_str());
        let labels = self
            .labels
            .iter()
            .filter(|given| given.tools.matches(server, tool))
            .fold(LabelSet::default(), |all, given| all.with(given.labels));
        let mut schema = None;
        let mut check = |condition: &Condition, is_named: bool| {
            let schema = schema
                .get_or_insert_with(|| ToolSchema::new(definition, self.names.all(), &self.sets));
            let checked = match schema {
                Ok(schema) => schema.check(condition),
                Err(why) => Err(ConditionError {
                    at: condition.origin.clone(),
                    message: format!("`{server}/{tool}` can have no condition: {why}"),
                    hint: None,
                }),
            };
            misfits.note(condition, is_named, checked.as_ref().err().cloned());
            checked
        };
        let (mut grants, mut flows, mut unfit) = (Vec::new(), Vec::new(), Vec::new());
        for (at, grant) in self.grants.iter().enumerate() {
            if !grant.allows(server, tool) {
                continue;
            }
            let when = grant.when.as_ref();
            match when
                .map(|when| check(when, grant.tools.names(tool)))
                .transpose()
            {
                Ok(when) => grants.push((at, when)),
                Err(error) => unfit.push(error),
            }
        }
        for (at, flow) in self.flows.iter().enumerate() {
            if !labels.has_any(flow.call) {
                continue;
            }
            let unless = flow.unless.as_ref();
            match unless.map(|unless| check(unless, false)).transpose() {
                Ok(unless) => flows.push((at, unless)),
                // What excepts other tools excepts nothing of this one, and a leave under a condition is none.
                Err(_) if flow.then == Then::Allow => {}
                Err(_) => flows.push((at, None)),
            }
        }
        let seals = self.seals.iter().enumerate();
        let seals = seals.filter(|(_, seal)| seal.tools.matches(server, tool));
        ToolRules {
            labels,
            grants,
            unfit,
            flows,
            seals: seals.map(|(at, _)| at).collect(),
            schema: schema.and_then(Result::ok),
        }
    }
}

impl Rules {
    /// As a person wrote them.
    #[must_use]
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// What a tool is subject to.
    #[must_use]
    pub fn tool(&self, server: &str, tool: &str) -> Option<&Arc<ToolRules>> {
        self.tools.get(&(server.to_owned(), tool.to_owned()))
    }

    pub(crate) fn grant(&self, index: usize) -> Option<&Grant> {
        self.grants.grants.get(index)
    }

    pub(crate) fn flow(&self, index: usize) -> Option<&Flow> {
        self.grants.flows.get(index)
    }

    pub(crate) fn seals(&self, tool: &ToolRules) -> Vec<&SealRule> {
        let seals = tool.seals.iter();
        seals.filter_map(|at| self.grants.seals.get(*at)).collect()
    }

    /// The labels that a run's input is taken to carry: what a person said, else every one that a flow rule asks after.
    #[must_use]
    pub fn input_labels(&self) -> LabelSet {
        let flows = self.grants.flows.iter();
        let asked = flows.fold(LabelSet::default(), |all, flow| all.with(flow.after));
        self.grants.input.unwrap_or(asked)
    }

    /// For a tool that a test plans without a definition.
    #[cfg(test)]
    pub(crate) fn unchecked(grants: Grants, tools: &[(&str, &str)]) -> Rules {
        let mut all = HashMap::new();
        for (server, tool) in tools {
            let labels = grants
                .labels
                .iter()
                .filter(|l| l.tools.matches(server, tool));
            let labels = labels.fold(LabelSet::default(), |all, given| all.with(given.labels));
            let speaking = 0..grants.grants.len();
            let speaking = speaking.filter(|at| grants.grants[*at].allows(server, tool));
            let flows = 0..grants.flows.len();
            let flows = flows.filter(|at| labels.has_any(grants.flows[*at].call));
            let rules = ToolRules {
                labels,
                grants: speaking.map(|at| (at, None)).collect(),
                flows: flows.map(|at| (at, None)).collect(),
                ..ToolRules::default()
            };
            all.insert(((*server).to_owned(), (*tool).to_owned()), Arc::new(rules));
        }
        Rules {
            grants: Arc::new(grants),
            tools: Arc::new(all),
            policy: None,
        }
    }
}
