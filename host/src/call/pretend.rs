//! A call that a dry run does not make.

use serde_json::Value;

use super::attempt::Attempt;
use super::{Calls, ToolError, ToolErrorKind};
use crate::dry_run::{DryRun, PlannedCall, plausible};
use crate::gate;
use crate::journal::{Blame, Verdict};
use crate::labels::LabelSet;

impl Calls {
    /// Notes a call that is not made, and answers as the tool might.
    pub(super) async fn pretend(
        &self,
        dry_run: &DryRun,
        index: usize,
        shown: &Value,
        attempt: &mut Attempt<'_>,
    ) -> Result<Value, ToolError> {
        let definition = &self.definitions[index];
        gate::read(&self.plan, &mut self.spent(), index, LabelSet::default());
        let sequence = attempt.record.sequence;
        let (server, tool) = (&definition.server, &definition.tool.name);
        let recorded = dry_run.recordings.find(server, tool, shown);
        let (value, answered) = match plausible(definition, sequence, recorded).await {
            Ok(answer) => answer,
            Err(why) => {
                attempt.refuse(Verdict::Denied, Blame::Server, &why);
                return Err(self.error(index, ToolErrorKind::Denied, why, None));
            }
        };
        let reasons = std::mem::take(&mut attempt.reasons);
        let call = PlannedCall {
            server: server.clone(),
            tool: tool.clone(),
            arguments: shown.clone(),
            digest: gate::digest(&self.plan.tools[index], shown),
            answered,
            needs_approval: !reasons.is_empty(),
            reasons,
        };
        if let Err(full) = dry_run.effects.record(sequence, call) {
            attempt.refuse(Verdict::Denied, Blame::Grant, &full.to_string());
            return Err(self.error(index, ToolErrorKind::Limit, full.to_string(), None));
        }
        Ok(value)
    }
}
