//! The transport between rmcp and a child process: lines in, and out typed messages, but for the results that are wanted
//! as they were sent. Reading lines within bounds is `child`'s.

use std::collections::HashSet;
use std::io;

use rmcp::RoleClient;
use rmcp::model::{
    ClientJsonRpcMessage, ClientRequest, CustomResult, ErrorCode, ErrorData, RequestId,
    ServerJsonRpcMessage, ServerResult,
};
use rmcp::transport::Transport;
use serde_json::Value;
use tokio::sync::mpsc;

use super::changes::Changes;
use super::child;

/// The transport of a child process: typed messages in, and out the raw results that were asked for.
pub(super) struct Pipe {
    ends: Option<child::Ends>,
    wanted: HashSet<RequestId>,
    /// The unanswered `server/discover`, and the one that was given up for `initialize`: a server that was slow to
    /// start answers both, and the first answer would be taken for the second.
    probe: Option<RequestId>,
    given_up: Option<RequestId>,
    changes: Changes,
}

impl Pipe {
    pub(super) fn new(ends: child::Ends, changes: Changes) -> Pipe {
        Pipe {
            changes,
            ends: Some(ends),
            wanted: HashSet::new(),
            probe: None,
            given_up: None,
        }
    }

    fn note(&mut self, message: &ClientJsonRpcMessage) {
        let ClientJsonRpcMessage::Request(request) = message else {
            return;
        };
        match &request.request {
            ClientRequest::DiscoverRequest(_) => self.probe = Some(request.id.clone()),
            ClientRequest::InitializeRequest(_) => self.given_up = self.probe.take(),
            other if wants_raw(other) => {
                self.wanted.insert(request.id.clone());
            }
            _ => {}
        }
    }

    fn decode(&mut self, mut message: Value) -> Option<ServerJsonRpcMessage> {
        if self.changes.note(&message) {
            return None;
        }
        let id = answered(&message);
        if let Some(id) = &id {
            if self.probe.as_ref() == Some(id) {
                self.probe = None;
            }
            if self.given_up.as_ref() == Some(id) {
                self.given_up = None;
                return None;
            }
            if self.wanted.remove(id)
                && let Some(result) = message.get_mut("result").map(Value::take)
            {
                return Some(ServerJsonRpcMessage::response(
                    ServerResult::CustomResult(CustomResult(result)),
                    id.clone(),
                ));
            }
        }
        match serde_json::from_value(message) {
            Ok(message) => Some(message),
            // Somebody waits for this one.
            Err(_) if id.is_some() => {
                let error = ErrorData::new(
                    ErrorCode::INVALID_REQUEST,
                    "the answer is no JSON-RPC",
                    None,
                );
                Some(ServerJsonRpcMessage::error(error, id))
            }
            Err(_) => None,
        }
    }
}

impl Transport<RoleClient> for Pipe {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        self.note(&message);
        let outbox: Option<mpsc::Sender<Vec<u8>>> =
            self.ends.as_ref().map(|ends| ends.outbox.clone());
        async move {
            let mut line = serde_json::to_vec(&message)?;
            line.push(b'\n');
            let outbox = outbox.ok_or(io::ErrorKind::NotConnected)?;
            outbox
                .send(line)
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            let message = self.ends.as_mut()?.inbox.recv().await?;
            if let Some(message) = self.decode(message) {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.ends = None;
        Ok(())
    }
}

/// Whether the result of a request is wanted as it was sent.
pub(super) fn wants_raw(request: &ClientRequest) -> bool {
    matches!(
        request,
        ClientRequest::ListToolsRequest(_) | ClientRequest::CallToolRequest(_)
    )
}

/// The id of the request that a message answers. Some servers send the number back as a string.
pub(super) fn answered(message: &Value) -> Option<RequestId> {
    if message.get("method").is_some() {
        return None;
    }
    match message.get("id")? {
        Value::Number(id) => id.as_i64().map(RequestId::Number),
        Value::String(id) => Some(
            id.parse()
                .map_or_else(|_| RequestId::String(id.as_str().into()), RequestId::Number),
        ),
        _ => None,
    }
}
