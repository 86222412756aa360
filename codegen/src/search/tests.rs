//! What is found, and in which order.
#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::catalog::{Server, Tool};
use crate::server::model_server;

fn server(name: &str, tools: &[(&str, &str)]) -> ServerModel {
    let tools = tools.iter().map(|(name, description)| Tool {
        name: (*name).to_string(),
        description: Some((*description).to_string()),
        input_schema: json!({"type": "object", "properties": {"perPage": {"type": "integer", "description": "Size of a batch"}}}),
        ..Tool::default()
    });
    let server = Server {
        tools: tools.collect(),
        ..Server::default()
    };
    model_server(name, &server).unwrap()
}

fn servers() -> Vec<ServerModel> {
    vec![
        server(
            "github",
            &[
                ("create_issue", "Creates an issue"),
                ("ping", "Answers; lists nothing about an issue"),
                ("list_issue_types", "Lists the types"),
                ("list_issues", "Lists them"),
                ("delete_issue", "Deletes an issue for ever"),
            ],
        ),
        server(
            "postgresql",
            &[("query", "Run SQL"), ("getTables", "查询所有表")],
        ),
    ]
}

/// The names of the tools that are found.
fn found(query: &str) -> Vec<String> {
    let servers = servers();
    let found = Index::new(&servers).search(query);
    let name = |found: &Found| servers[found.server].tools[found.tool].tool.clone();
    found.iter().map(name).collect()
}

#[test]
fn better_matches_stand_first() {
    for (query, first) in [
        ("listIssues", "list_issues"),
        ("list issues", "list_issues"),
        ("github/list_issues", "list_issues"),
        ("github list issues", "list_issues"),
        ("mcp tool to show open tickets", "list_issues"),
        ("add a new bug", "create_issue"),
        ("PING", "ping"),
        ("query postgres", "query"),
        ("tables of the database", "getTables"),
        ("查询表", "getTables"),
        ("get rid of a ticket", "delete_issue"),
    ] {
        assert_eq!(
            found(query).first().map(String::as_str),
            Some(first),
            "{query}"
        );
    }
}

#[test]
fn what_means_the_same_is_found_without_a_word_in_common() {
    for (query, first) in [
        (
            "somebody complained, note it down for the developers",
            "create_issue",
        ),
        (
            "a person ran into trouble, make a note of it",
            "create_issue",
        ),
    ] {
        assert_eq!(
            found(query).first().map(String::as_str),
            Some(first),
            "{query}"
        );
    }
}

#[test]
fn what_is_not_meant_is_not_found() {
    assert_eq!(found("zebra"), Vec::<String>::new());
    assert_eq!(found("the of and"), Vec::<String>::new());
}

#[test]
fn an_empty_query_finds_all_in_order() {
    for query in ["", "  ", "--"] {
        let all = found(query);
        assert_eq!(all.len(), 7);
        assert_eq!(
            (all[0].as_str(), all[6].as_str()),
            ("create_issue", "getTables")
        );
    }
    assert_eq!(found("github").len(), 5);
}

#[test]
fn what_takes_away_is_not_first_unless_asked_for() {
    let tickets = found("ticket");
    assert_ne!(tickets[0], "delete_issue", "{tickets:?}");
}

#[test]
fn one_index_answers_alike_each_time() {
    let servers = servers();
    let [first, second] = [0, 1].map(|_| Index::new(&servers).search("list the issues of a page"));
    assert_eq!(first, second);
    assert!(!first.is_empty());
}

#[test]
fn a_hostile_query_is_cut() {
    let long = "issue ".repeat(100_000);
    assert_eq!(found(&long), found("issue"));
    let many: String = (0..50_000).map(|n| format!("w{n} ")).collect();
    assert_eq!(found(&many), Vec::<String>::new());
}

#[test]
fn an_index_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Index>();
}
