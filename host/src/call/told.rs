//! What a guest is told: results and errors, sealed where a person wants that, and what would allow a denied call.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::answer::Form;
use super::attempt::Attempt;
use super::checks::tool_error;
use super::{Calls, ToolError, ToolErrorKind};
use crate::gate::Denial;
use crate::grants;
use crate::journal::{Blame, Verdict};
use crate::sealed::{Class, OpenError};

impl Calls {
    pub(super) fn error(
        &self,
        index: usize,
        kind: ToolErrorKind,
        message: String,
        detail: Option<Value>,
    ) -> ToolError {
        tool_error(&self.definitions[index], kind, message, detail)
    }

    /// Seals a result; returns whether there was anything to seal. Places that a person named are not to be found in a text:
    /// it is sealed whole.
    pub(super) fn seal(&self, index: usize, value: &mut Value, form: Form, is_error: bool) -> bool {
        let Some(vault) = &self.vault else {
            return false;
        };
        let seals = self.seals(index);
        let class = seals.iter().find_map(|seal| seal.class_of_places());
        if let (Some(class), Form::Shapeless, false) = (class, form, is_error) {
            vault.seal_all(class, value);
            return true;
        }
        !vault.seal(&seals, value).places.is_empty()
    }

    /// An error as the guest may see it: what a server says in a failure is sealed as its results are. What this host says
    /// is not: a program could read off it whether a value that it guessed is one that is sealed.
    pub(super) fn sealed(&self, index: usize, mut error: ToolError) -> ToolError {
        use ToolErrorKind as K;
        if !matches!(
            error.kind,
            K::ToolFailed | K::InvalidResult | K::Unavailable
        ) {
            return error;
        }
        error.message = self.seal_text(index, &error.message);
        if let (Some(vault), Some(detail)) = (&self.vault, &error.detail) {
            let mut detail: Value = serde_json::from_str(detail).unwrap_or_default();
            vault.seal(&self.seals(index), &mut detail);
            error.detail = Some(detail.to_string());
        }
        error
    }

    pub(super) fn seal_text(&self, index: usize, text: &str) -> String {
        match &self.vault {
            Some(vault) => vault.seal_text(&self.seals(index), text),
            None => text.to_owned(),
        }
    }

    /// The guest's error for a denial, with the lines that would allow the call.
    pub(super) fn denied(
        &self,
        index: usize,
        denial: &Denial,
        call: Option<(&Value, &BTreeSet<Class>)>,
    ) -> ToolError {
        let kind = match denial.is_limit() {
            true => ToolErrorKind::Limit,
            false => ToolErrorKind::Denied,
        };
        let mut detail = Map::new();
        if let Denial::Changed(kind) = denial {
            detail.insert("changed".to_owned(), serde_json::json!(kind));
        }
        // Of a call that was made and gave too much, no further grant would pay.
        if let Some((shown, opened)) = call {
            let (definition, grants) = (&self.definitions[index], self.plan.rules.grants());
            if let Some(hint) = grants::hint(denial, definition, shown, opened, grants) {
                detail.insert("hint".to_owned(), Value::String(hint));
            }
        }
        let detail = (!detail.is_empty()).then_some(Value::Object(detail));
        self.error(index, kind, denial.to_string(), detail)
    }

    pub(super) fn unopened(
        &self,
        index: usize,
        wrong: &OpenError,
        attempt: &mut Attempt<'_>,
    ) -> ToolError {
        let message = wrong.to_string();
        attempt.refuse(Verdict::Invalid, Blame::Program, &message);
        let detail = serde_json::json!([{"at": wrong.at, "why": wrong.why, "hint": wrong.hint}]);
        self.error(
            index,
            ToolErrorKind::InvalidArguments,
            message,
            Some(detail),
        )
    }
}
