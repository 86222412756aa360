//! Labels: words that a person gives to tools, and the flow rules over them. A run carries the labels of everything that it
//! has read. Plain data and two pure checks: one of a set of imports before anything runs, one of a call.

use crate::grants::Condition;

/// The label names of one grants file, in the order of their first use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(Vec<String>);

/// A set of labels, as positions in [`Names`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct LabelSet(u64);

/// Most labels that a grants file may use.
pub const LABELS: usize = 64;

/// A rule about what may follow on what.
#[derive(Debug, Clone)]
pub struct Flow {
    /// The run has read from tools with all of these.
    pub after: LabelSet,
    /// And calls a tool with one of these.
    pub call: LabelSet,
    /// Then.
    pub then: Then,
    /// Not where this holds for the call.
    pub unless: Option<Condition>,
    /// When it is decided.
    pub at: At,
    /// Where it was written.
    pub origin: String,
}

/// What a flow rule decides. Where several speak of a call, `Allow` goes before `Refuse`, and `Refuse` before `Approve`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// The grants alone decide.
    Allow,
    /// No.
    Refuse,
    /// A person is asked.
    Approve,
}

/// When a flow rule is decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum At {
    /// Before anything runs, by what the program imports.
    Start,
    /// At the call, by what the run has read.
    #[default]
    Call,
}

impl Names {
    /// The set of one name, which is taken in where it is new; `None` where there are too many.
    pub fn set(&mut self, name: &str) -> Option<LabelSet> {
        let at = match self.0.iter().position(|known| known == name) {
            Some(at) => at,
            None if self.0.len() < LABELS => {
                self.0.push(name.to_owned());
                self.0.len() - 1
            }
            None => return None,
        };
        Some(LabelSet(1 << at))
    }

    /// The set of one name, where that is known.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<LabelSet> {
        let at = self.0.iter().position(|known| known == name)?;
        Some(LabelSet(1 << at))
    }

    /// The names of a set, in order.
    pub fn of(&self, set: LabelSet) -> impl Iterator<Item = &str> {
        let is_in = move |(at, _): &(usize, &String)| set.0 & (1 << at) != 0;
        self.0
            .iter()
            .enumerate()
            .filter(is_in)
            .map(|(_, name)| name.as_str())
    }

    /// All names.
    #[must_use]
    pub fn all(&self) -> &[String] {
        &self.0
    }
}

impl LabelSet {
    /// Whether there is none in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Both together.
    #[must_use]
    pub fn with(self, other: LabelSet) -> LabelSet {
        LabelSet(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: LabelSet) -> LabelSet {
        LabelSet(self.0 & other.0)
    }

    /// Whether all of another are in it.
    #[must_use]
    pub fn has_all(self, other: LabelSet) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether one of another is in it.
    #[must_use]
    pub fn has_any(self, other: LabelSet) -> bool {
        self.0 & other.0 != 0
    }
}

impl Flow {
    /// Whether it speaks of a call of a tool with these labels, in a run that has read those.
    #[must_use]
    pub fn concerns(&self, read: LabelSet, tool: LabelSet) -> bool {
        read.has_all(self.after) && tool.has_any(self.call)
    }
}
