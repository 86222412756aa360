//! The asker of a program that embeds this host: its own function.

use super::{Answer, Asker, Asking, Question};

/// Asks a function. Dropping the future that it returns withdraws the question.
pub struct Callback<F>(
    /// Gives one answer for each item of the question, in their order.
    pub F,
);

impl<F, A> Asker for Callback<F>
where
    F: Fn(&Question) -> A + Send + Sync,
    A: Future<Output = Vec<Answer>> + Send + 'static,
{
    fn ask<'a>(&'a self, question: &'a Question) -> Asking<'a> {
        let answers = (self.0)(question);
        Box::pin(async move { Ok(answers.await) })
    }
}
