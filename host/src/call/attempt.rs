//! The journal record of one attempt.

use std::time::Instant;

use crate::journal::{self, Blame, Journal, Outcome, Record, Verdict};

/// One attempt under way. Its record is written when it is dropped, so that none is ever missing: a call that the end of
/// the run cuts off is recorded as cancelled.
pub(super) struct Attempt<'a> {
    pub(super) journal: &'a Journal,
    pub(super) started: Instant,
    pub(super) record: Record,
    /// Why a person would have been asked, where nothing is done.
    pub(super) reasons: Vec<String>,
}

impl Attempt<'_> {
    pub(super) fn refuse(&mut self, verdict: Verdict, blame: Blame, reason: &str) {
        self.record.verdict = verdict;
        self.record.blame = Some(blame);
        self.record.reason = Some(reason.to_owned());
        // It may have been permitted a moment ago.
        self.record.grant = None;
        self.record.approval = None;
        self.record.outcome = None;
    }

    pub(super) fn permit(&mut self, grant: &str) {
        self.record.verdict = Verdict::Permitted;
        self.record.grant = Some(grant.to_owned());
        self.record.outcome = Some(Outcome::Cancelled);
        self.started = Instant::now();
    }

    /// Nothing is sent, and nobody who reads the journal shall think so.
    pub(super) fn pretend(&mut self, grant: &str) {
        self.record.verdict = Verdict::DryRun;
        self.record.grant = Some(grant.to_owned());
    }

    pub(super) fn result(&mut self, text: &str) {
        self.record.result_sha256 = Some(journal::digest(text));
    }

    pub(super) fn end(&mut self, outcome: Outcome, blame: Option<Blame>, bytes: Option<u64>) {
        self.record.outcome = Some(outcome);
        self.record.blame = blame;
        self.record.result_bytes = bytes;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.record.verdict == Verdict::Permitted {
            self.record.milliseconds = Some(self.started.elapsed().as_secs_f64() * 1000.0);
        }
        if let Err(error) = self.journal.record(&self.record) {
            self.journal.fail(&error);
        }
    }
}
