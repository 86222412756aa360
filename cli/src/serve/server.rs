//! The protocol: requests to what the other files do, for one session. Nothing is decided here.

use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, Implementation, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::find::{Detail, describe, search};
use super::known::Known;
use super::program::Language;
use super::run::{self, Start, error, is_rounds, success};
use super::session::Session;
use super::underway::Keep;
use super::{Front, resources, skills, surface, told};
use crate::failure::Failure;
use crate::skills::skill_md;
use crate::source::{Source, SourceKind};

/// The server as one client sees it.
pub(crate) struct Server {
    front: Arc<Front>,
    session: Arc<Session>,
    over_http: bool,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchArguments {
    #[serde(default)]
    query: String,
    #[serde(default)]
    detail: Detail,
    #[serde(default)]
    offset: usize,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribeArguments {
    tools: OneOrMany,
    language: Option<Language>,
}

/// A model that has one tool to name may name it without the list.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SkillsArguments {
    name: Option<String>,
    input: Option<Value>,
}

impl Server {
    /// For one connection, or for one request that comes without one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub(crate) fn new(front: &Arc<Front>, over_http: bool) -> Result<Server, Failure> {
        Ok(Server {
            front: Arc::clone(front),
            session: Arc::new(Session::new(front)?),
            over_http,
        })
    }

    /// The session of a request. Over HTTP, protocol 2026-07-28 has none: a token that an earlier answer gave leads back to it.
    fn session_of(
        &self,
        token: Option<&str>,
        context: &RequestContext<RoleServer>,
    ) -> Arc<Session> {
        if self.over_http && is_rounds(context) {
            self.session.mark_passing();
            let known = token.and_then(|token| self.front.session(token.split_once('.')?.0));
            if let Some(session) = known {
                return session;
            }
        }
        Arc::clone(&self.session)
    }

    async fn known(&self, session: &Session) -> Result<Arc<Known>, ErrorData> {
        session
            .known(false)
            .await
            .map_err(|failure| ErrorData::internal_error(failure.message, None))
    }

    async fn call(
        &self,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (name, arguments) = (
            request.name,
            Value::Object(request.arguments.unwrap_or_default()),
        );
        if let Some(state) = &request.request_state {
            let responses = request.input_responses.unwrap_or_default();
            let responses = serde_json::to_value(responses).unwrap_or_default();
            let session = self.session_of(Some(state), context);
            let answer = run::answered(&self.front, &session, state, &responses, context).await;
            return self.hand_out(&session, answer);
        }
        match &*name {
            "search" => {
                let asked: SearchArguments = match read(arguments, "search") {
                    Ok(asked) => asked,
                    Err(wrong) => return Ok(wrong),
                };
                let known = self.known(&self.session).await?;
                Ok(success(search(
                    &known,
                    &asked.query,
                    asked.detail,
                    asked.offset,
                )))
            }
            "describe" => {
                let asked: DescribeArguments = match read(arguments, "describe") {
                    Ok(asked) => asked,
                    Err(wrong) => return Ok(wrong),
                };
                let known = self.known(&self.session).await?;
                let tools = match asked.tools {
                    OneOrMany::One(tool) => vec![tool],
                    OneOrMany::Many(tools) => tools,
                };
                Ok(
                    match describe(&known, &tools, asked.language.unwrap_or(Language::Js)) {
                        Ok(text) => success(text),
                        Err(why) => error(why),
                    },
                )
            }
            "run" => {
                let asked: run::Arguments = match read(arguments, "run") {
                    Ok(asked) => asked,
                    Err(wrong) => return Ok(wrong),
                };
                let session = self.session_of(asked.resume.as_deref(), context);
                let answer = match (&asked.code, &asked.resume) {
                    (None, Some(token)) => {
                        let token = token.clone();
                        run::resume(&self.front, &session, asked, &token, context).await
                    }
                    _ => match Start::of(asked) {
                        Ok(start) => run::start(&self.front, &session, start, context).await,
                        Err(failure) => Ok(error(told::failure(&failure, None))),
                    },
                };
                self.hand_out(&session, answer)
            }
            "skills" => {
                let asked: SkillsArguments = match read(arguments, "skills") {
                    Ok(asked) => asked,
                    Err(wrong) => return Ok(wrong),
                };
                let session = self.session_of(None, context);
                let answer = self.skills(asked, context).await;
                self.hand_out(&session, answer)
            }
            other => Err(ErrorData::invalid_params(
                format!("there is no tool `{other}`; there are search, describe, run and skills"),
                None,
            )),
        }
    }

    /// Keeps a session whose client may come back to it with a token.
    fn hand_out<T>(&self, session: &Arc<Session>, answer: T) -> T {
        if session.has_handed_out() {
            self.front.keep(session);
        }
        answer
    }

    async fn skills(
        &self,
        asked: SkillsArguments,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(name) = asked.name else {
            return Ok(success(skills::list(&self.front, &self.session)));
        };
        let skill = match skills::find(&self.front, &self.session, &name) {
            Ok(skill) => skill,
            Err(why) => return Ok(error(why)),
        };
        let Some(input) = asked.input else {
            let known = self.known(&self.session).await?;
            return Ok(success(skill_md(
                &skill.manifest,
                &skills::declaration(&known, &skill),
            )));
        };
        let start = Start {
            source: Source {
                name: skill.manifest.name.clone(),
                kind: SourceKind::Component(skill.component),
            },
            input,
            keep: None::<Keep>,
            limits: run::Asked::default(),
        };
        run::start(&self.front, &self.session, start, context).await
    }
}

/// The arguments of a tool, or an answer that says what is wrong with them.
fn read<T: DeserializeOwned>(arguments: Value, tool: &str) -> Result<T, CallToolResponse> {
    serde_json::from_value(arguments).map_err(|wrong| {
        let example = match tool {
            "search" => r#"{"query": "close an issue"}"#,
            "describe" => r#"{"tools": ["github/list_issues"]}"#,
            "run" => r#"{"code": "export default async (input) => ...", "input": {}}"#,
            _ => r#"{"name": "top-issues", "input": {}}"#,
        };
        error(format!(
            "error: the arguments of `{tool}`: {wrong}\nnext: for example {example}"
        ))
    })
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(
            ServerCapabilities::builder()
                .enable_tools()
                .enable_resources()
                .build(),
        )
        .with_server_info(
            Implementation::new("witgate", env!("CARGO_PKG_VERSION")).with_title("witgate"),
        )
        .with_instructions(surface::INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(surface::tools()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        surface::tools().into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let _answering = self.front.answering();
        self.call(request, &context).await
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let known = self.known(&self.session).await?;
        let cursor = request.and_then(|request| request.cursor);
        resources::list(&self.front, &self.session, &known, cursor.as_deref())
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(resources::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let session = self.session_of(request.uri.strip_prefix(resources::RESULTS), &context);
        let known = self.known(&session).await?;
        resources::read(&self.front, &session, &known, &request.uri).map(ReadResourceResponse::from)
    }
}
