//! Grants held against the tools that are there: what each tool is subject to, its conditions type-checked. What a person
//! wrote is `grants`; this is what admission and the gate go by.

use std::collections::HashMap;
use std::sync::Arc;

use crate::definitions::{Definition, Definitions};
use crate::grants::condition::{Checked, CheckedPolicy, ConditionError, ToolSchema};
use crate::grants::{Condition, Grant, Grants, GrantsError};
use crate::labels::{Flow, LabelSet};
use crate::sealed::SealRule;

/// Grants whose conditions hold together with the schemas of the tools. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    grants: Arc<Grants>,
    tools: Arc<HashMap<(String, String), Arc<ToolRules>>>,
    pub(crate) policy: Option<Arc<CheckedPolicy>>,
}

/// What one tool is subject to.
#[derive(Debug, Default)]
pub struct ToolRules {
    /// What a person calls it.
    pub labels: LabelSet,
    /// The grants that speak of it, as indices into [`Grants::grants`], with their conditions.
    pub(crate) grants: Vec<(usize, Option<Checked>)>,
    /// The flow rules that may concern a call of it, as indices into [`Grants::flows`], with their exceptions.
    pub(crate) flows: Vec<(usize, Option<Checked>)>,
    /// What is sealed in its results, as indices into [`Grants::seals`].
    pub(crate) seals: Vec<usize>,
    /// There where it has a condition.
    pub(crate) schema: Option<ToolSchema>,
}

impl Grants {
    /// Holds every condition against the schema of every tool that it speaks of.
    ///
    /// # Errors
    /// [`GrantsError::Conditions`], with all that is wrong.
    pub fn check(&self, definitions: &Definitions) -> Result<Rules, GrantsError> {
        let mut errors = Vec::new();
        let mut tools = HashMap::new();
        let mut all = Vec::new();
        for server in definitions.models.iter() {
            for model in &server.tools {
                let Some(definition) = definitions.get(&server.server, &model.tool) else {
                    continue;
                };
                let rules = self.of_tool(definition, &mut errors);
                if self.policy.is_some() {
                    let labels = self.names.of(rules.labels).map(str::to_owned).collect();
                    all.push((definition, labels));
                }
                let name = (server.server.clone(), model.tool.clone());
                tools.insert(name, Arc::new(rules));
            }
        }
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

    fn of_tool(&self, definition: &Arc<Definition>, errors: &mut Vec<ConditionError>) -> ToolRules {
        let (server, tool) = (definition.server.as_str(), definition.tool.name.as_str());
        let labels = self
            .labels
            .iter()
            .filter(|given| given.tools.matches(server, tool))
            .fold(LabelSet::default(), |all, given| all.with(given.labels));
        let mut schema = None;
        let mut check = |condition: &Option<Condition>| {
            let condition = condition.as_ref()?;
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
            match checked {
                Ok(checked) => Some(checked),
                Err(error) => {
                    if !errors.contains(&error) {
                        errors.push(error);
                    }
                    None
                }
            }
        };
        let grants = self.grants.iter().enumerate();
        let grants = grants.filter(|(_, grant)| grant.allows(server, tool));
        let grants = grants.map(|(at, grant)| (at, check(&grant.when))).collect();
        let flows = self.flows.iter().enumerate();
        let flows = flows.filter(|(_, flow)| labels.has_any(flow.call));
        let flows = flows.map(|(at, flow)| (at, check(&flow.unless))).collect();
        let seals = self.seals.iter().enumerate();
        let seals = seals.filter(|(_, seal)| seal.tools.matches(server, tool));
        ToolRules {
            labels,
            grants,
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
