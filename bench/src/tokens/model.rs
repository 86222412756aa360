//! The model, as a script: it has tools, calls them, and everything it reads and writes is noted as it would stand in its context.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::connection::{Connection, Reply};
use crate::conversation::{Call, Conversation, Message, full_name};

/// A model with its tools, in the middle of a conversation.
pub(crate) struct Model {
    pub(crate) conversation: Conversation,
    /// The servers that its calls go to.
    pub(crate) servers: BTreeMap<String, Connection>,
}

/// A call that the model is about to make.
pub(crate) struct Wanted {
    pub(crate) server: &'static str,
    pub(crate) tool: &'static str,
    pub(crate) arguments: Value,
}

impl Model {
    /// Calls one tool, and reads what it answers: JSON where it is JSON, else text.
    ///
    /// # Errors
    /// The server does not answer, or the tool fails.
    pub(crate) async fn call(
        &mut self,
        server: &'static str,
        tool: &'static str,
        arguments: Value,
    ) -> anyhow::Result<Value> {
        let one = Wanted {
            server,
            tool,
            arguments,
        };
        let mut values = self.call_all(vec![one]).await?;
        values.pop().context("one call has one result")
    }

    /// Calls several tools in one turn.
    ///
    /// # Errors
    /// A server does not answer, or a tool fails.
    pub(crate) async fn call_all(&mut self, wanted: Vec<Wanted>) -> anyhow::Result<Vec<Value>> {
        let replies = self.replies(&wanted).await?;
        let read = |(reply, wanted): (Reply, &Wanted)| match reply.is_error {
            true => bail!(
                "`{}/{}` failed: {}",
                wanted.server,
                wanted.tool,
                reply.first
            ),
            false => Ok(serde_json::from_str(&reply.first).unwrap_or(Value::String(reply.first))),
        };
        replies.into_iter().zip(&wanted).map(read).collect()
    }

    /// Calls one tool and returns the answer as it is.
    ///
    /// # Errors
    /// The server does not answer.
    pub(crate) async fn ask(
        &mut self,
        server: &'static str,
        tool: &'static str,
        arguments: Value,
    ) -> anyhow::Result<Reply> {
        let one = Wanted {
            server,
            tool,
            arguments,
        };
        let mut replies = self.replies(&[one]).await?;
        replies.pop().context("one call has one answer")
    }

    async fn replies(&mut self, wanted: &[Wanted]) -> anyhow::Result<Vec<Reply>> {
        let calls = wanted.iter().map(|wanted| Call {
            name: full_name(wanted.server, wanted.tool),
            arguments: wanted.arguments.clone(),
        });
        self.conversation
            .messages
            .push(Message::Calls(calls.collect()));
        let replies = wanted.iter().map(async |wanted| {
            let server = self.servers.get(wanted.server);
            let server = server.with_context(|| format!("no server `{}`", wanted.server))?;
            server.call(wanted.tool, &wanted.arguments).await
        });
        let replies = try_join_all(replies).await?;
        let shown = replies.iter().map(|reply| reply.shown.clone()).collect();
        self.conversation.messages.push(Message::Results(shown));
        Ok(replies)
    }

    /// Notes a call of a tool that the client itself has.
    pub(crate) fn note(&mut self, name: &str, arguments: Value, answer: String) {
        let call = Call {
            name: name.to_owned(),
            arguments,
        };
        self.conversation.messages.push(Message::Calls(vec![call]));
        self.conversation
            .messages
            .push(Message::Results(vec![answer]));
    }

    /// The last word.
    pub(crate) fn answer(&mut self, text: String) {
        self.conversation.messages.push(Message::Answer(text));
    }
}

/// Definition of the client's own search tool, in the mode that has one.
pub(crate) fn search_tool() -> Value {
    json!({
        "name": "search_tools",
        "description": "Find tools for a task. Returns the definitions of the best matches, which can then be called.",
        "input_schema": {
            "type": "object",
            "properties": { "query": { "type": "string" } },
            "required": ["query"],
        },
    })
}
