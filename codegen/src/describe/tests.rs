//! What a model is given to read, to the letter.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::catalog::{Server, Tool};
use crate::model::ServerModel;
use crate::server::model_server;

fn server(tools: Value) -> ServerModel {
    let tools: Vec<Tool> = serde_json::from_value(tools).unwrap();
    let server = Server {
        tools,
        ..Server::default()
    };
    model_server("git_hub", &server).unwrap()
}

fn described(tools: Value) -> (String, String) {
    let server = server(tools);
    let tools: Vec<&ToolModel> = server.tools.iter().collect();
    (describe_js(&server, &tools), describe_rust(&server, &tools))
}

fn issues() -> Value {
    json!([{
        "name": "list_issues",
        "description": "Lists issues of a repository. Pull requests are issues too.\n\nWith many more words that nobody has asked for, which go on and on until there is no room left for them in any sentence that a model would want to read.",
        "inputSchema": {"type": "object", "required": ["owner"], "additionalProperties": false, "properties": {
            "owner": {"type": "string", "description": "The owner", "minLength": 1, "maxLength": 39, "pattern": "^[a-z]+$"},
            "state": {"enum": ["open", "closed", "all"], "default": "open"},
            "perPage": {"type": "integer", "minimum": 1, "maximum": 100, "default": 30, "description": "Rows of an answer. More words."},
            "since": {"type": "string", "format": "date-time", "deprecated": true},
            "order": {"type": "string", "enum": ["+a", "-a"]},
            "labels": {"type": "array", "items": {"type": "string", "maxLength": 9}, "minItems": 1, "uniqueItems": true},
            "score": {"type": ["number", "null"], "exclusiveMinimum": 0},
            "kind-of": {"const": "issue"}}},
        "outputSchema": {"type": "object", "required": ["issues"], "properties": {
            "issues": {"type": "array", "items": {"type": "object", "required": ["number", "user"], "properties": {
                "number": {"type": "integer", "minimum": 1},
                "user": {"$ref": "#/$defs/User"},
                "closedBy": {"$ref": "#/$defs/User"},
                "meta": {}}}}},
            "$defs": {"User": {"type": "object", "required": ["login"], "properties": {
                "login": {"type": "string", "description": "As it stands in the address"},
                "kind": {"enum": ["user", "is bot"]}}}}}
    }])
}

#[test]
fn a_tool_in_typescript() {
    let wanted = r#"import { listIssues } from "mcp:git-hub";
// Lists issues of a repository. Pull requests are issues too.
type ListIssuesUser = { login: string; kind?: "user"|"is bot" };
listIssues(args: {
 owner: string // 1..39 chars, /^[a-z]+$/
 state?: "open"|"closed"|"all" // default "open"
 perPage?: number // integer 1..100, default 30. Rows of an answer.
 since?: string // deprecated, date-time
 order?: "+a"|"-a"
 labels?: string[] // >=1 items, unique, each <=9 chars
 score?: number | null // >0
 "kind-of"?: "issue"
}): Promise<{
 issues: {
  number: number
  user: ListIssuesUser
  closedBy?: ListIssuesUser
  meta?: unknown
 }[]
}>;
"#;
    let (js, _) = described(issues());
    assert_eq!(js, wanted, "{js}");
}

#[test]
fn a_tool_in_rust() {
    let (_, rust) = described(issues());
    let wanted = r#"use mcp::git_hub::{list_issues, ListIssuesArgs, ListIssuesKindOf, ListIssuesState};
// Lists issues of a repository. Pull requests are issues too.
async fn list_issues(args: ListIssuesArgs) -> Result<ListIssuesOutput, ToolError>;
struct ListIssuesArgs {
 owner: String, // 1..39 chars, /^[a-z]+$/
 state: Option<ListIssuesState>, // default "open"
 per_page: Option<i64>, // 1..100, default 30. Rows of an answer.
 since: Option<String>, // deprecated, date-time
 order: Option<String>, // one of "+a", "-a"
 labels: Option<Vec<String>>, // >=1 items, unique, each <=9 chars
 score: Option<Option<f64>>, // >0
 kind_of: Option<ListIssuesKindOf>,
}
enum ListIssuesKindOf { Issue }
enum ListIssuesState { Open, Closed, All }
struct ListIssuesOutput {
 issues: Vec<ListIssuesOutputIssuesItem>,
}
struct ListIssuesOutputIssuesItem {
 number: i64,
 user: ListIssuesUser,
 closed_by: Option<ListIssuesUser>,
 meta: Option<Value>,
}
struct ListIssuesUser {
 login: String,
 kind: Option<ListIssuesUserKind>,
}
enum ListIssuesUserKind { User, IsBot }
"#;
    assert_eq!(rust, wanted, "{rust}");
}

#[test]
fn several_tools_share_the_import() {
    let tools = json!([
        {"name": "delete", "description": "Deletes all", "inputSchema": {"type": "object"}},
        {"name": "get_it", "inputSchema": {"type": "object", "properties": {"id": {"type": ["string", "integer"], "description": "The ID"}}}},
    ]);
    let (js, rust) = described(tools);
    let wanted = r#"import { delete as delete_, getIt } from "mcp:git-hub";
// Deletes all
delete_(): Promise<unknown>;
getIt(args?: { id?: number | string }): Promise<unknown>;
"#;
    assert_eq!(js, wanted, "{js}");
    let wanted = r#"use mcp::git_hub::{delete, get_it, GetItArgs, GetItId};
// Deletes all
async fn delete() -> Result<Value, ToolError>;
async fn get_it(args: GetItArgs) -> Result<Value, ToolError>;
struct GetItArgs {
 id: Option<GetItId>,
}
enum GetItId { Integer(i64), String(String) }
"#;
    assert_eq!(rust, wanted, "{rust}");
}

#[test]
fn where_types_are_from_is_said() {
    let mut server = server(issues());
    server.tools[0].output_origin = crate::model::Origin::Inferred { results: 7 };
    let js = describe_js(&server, &[&server.tools[0]]);
    assert!(
        js.contains("\n// Result inferred from 7 results, not declared by the server.\n"),
        "{js}"
    );
}

#[test]
fn hostile_words_stay_in_their_comment() {
    let tools = json!([{"name": "a", "description": "x */ y\u{2028}export\u{202e} z", "inputSchema": {"type": "object", "properties": {
        "k\n*/": {"type": "string", "description": "one\r\nfn evil() {}\u{85}two", "pattern": "\n}\u{202e}", "default": "\n*/"},
        "e": {"enum": ["*/ x", "fine"]}}}}]);
    let (js, rust) = described(tools);
    for text in [js, rust] {
        let lines = text.lines().filter(|line| {
            let code = line.split("//").next().unwrap();
            code.contains("evil") || code.contains("export")
        });
        assert_eq!(lines.count(), 0, "{text}");
        assert!(
            !text.contains(['\u{202e}', '\u{85}', '\u{2028}', '\r']),
            "{text}"
        );
        assert!(!text.contains("/* \"*/"), "{text}");
    }
}
