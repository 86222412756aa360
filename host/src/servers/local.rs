//! A server that is a part of this process: it has tools like any other, is reached by a permit like any other, and knows
//! what the run had read that calls it. What its tools do is not known here.

use std::pin::Pin;

use serde_json::{Map, Value};
use witgate_codegen::catalog;

use crate::labels::LabelSet;
use crate::mcp::ToolReply;

/// What [`LocalServer::call`] returns.
pub type LocalCall<'a> = Pin<Box<dyn Future<Output = LocalReply> + Send + 'a>>;

/// A server inside the process.
pub trait LocalServer: Send + Sync {
    /// Its tools, as `tools/list` would say them. Asked at each call: a call is made only while the tool's definition is the
    /// one that was admitted.
    fn server(&self) -> catalog::Server;

    /// Calls a tool. `read` are the labels of everything that the run had read when the gate let the call through: whoever
    /// keeps what is in the arguments keeps these with it. The future is dropped where the run ends or the call takes too
    /// long.
    fn call<'a>(
        &'a self,
        tool: &'a str,
        arguments: Map<String, Value>,
        read: LabelSet,
    ) -> LocalCall<'a>;
}

/// What a tool answered, and what it makes of the run that gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalReply {
    /// As an MCP server would have sent it.
    pub reply: ToolReply,
    /// What whoever got this has read with it, beside the labels that the grants give to the tool. They mean something under
    /// the grants only that gave `read`.
    pub labels: LabelSet,
}

impl LocalReply {
    /// A structured result that carries these labels.
    #[must_use]
    pub fn structured(value: Value, labels: LabelSet) -> LocalReply {
        let reply = ToolReply {
            is_error: false,
            structured: Some(value),
            content: Vec::new(),
        };
        LocalReply { reply, labels }
    }

    /// A failure that the tool reports, in words that carry these labels.
    #[must_use]
    pub fn failure(message: impl Into<String>, labels: LabelSet) -> LocalReply {
        let text = serde_json::json!({"type": "text", "text": message.into()});
        let reply = ToolReply {
            is_error: true,
            structured: None,
            content: vec![text],
        };
        LocalReply { reply, labels }
    }
}

/// What an MCP server answered: it says nothing of labels.
impl From<ToolReply> for LocalReply {
    fn from(reply: ToolReply) -> LocalReply {
        LocalReply {
            reply,
            labels: LabelSet::default(),
        }
    }
}
