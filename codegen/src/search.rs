//! Ranks tools for a few words, as `witgate tools QUERY` shows them. Words only: no stemming beyond a plural `s`, no
//! learning, no network; the same query on the same servers gives the same order.

use crate::model::{ServerModel, ToolModel};

/// One tool that fits a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit<'a> {
    /// The server.
    pub server: &'a ServerModel,
    /// The tool.
    pub tool: &'a ToolModel,
    /// The higher, the better; only comparable within one search.
    pub score: u32,
}

/// At most `limit` tools, best first, equal ones in the servers' order. An empty query finds every tool.
pub fn search<'a>(servers: &'a [ServerModel], query: &str, limit: usize) -> Vec<Hit<'a>> {
    let wanted = words(query);
    let whole = wanted.concat();
    let mut hits: Vec<Hit<'a>> = servers
        .iter()
        .flat_map(|server| server.tools.iter().map(move |tool| (server, tool)))
        .filter_map(|(server, tool)| {
            let score = score(server, tool, &wanted, &whole);
            (score > 0 || wanted.is_empty()).then_some(Hit {
                server,
                tool,
                score,
            })
        })
        .collect();
    hits.sort_by_key(|hit| std::cmp::Reverse(hit.score));
    hits.truncate(limit);
    hits
}

fn score(server: &ServerModel, tool: &ToolModel, wanted: &[String], whole: &str) -> u32 {
    let name: Vec<String> = words(&tool.wit);
    let server_name = words(&server.package);
    let mut total = 0;
    if !whole.is_empty() && name.concat() == *whole {
        total += 1_000;
    } else if !whole.is_empty() && name.concat().starts_with(whole) {
        total += 300;
    }
    let description = tool.doc.as_deref().map(words).unwrap_or_default();
    let mut matched = 0;
    for word in wanted {
        let points = if name.contains(word) {
            100
        } else if name.iter().any(|have| alike(have, word)) {
            60
        } else if server_name.contains(word) {
            40
        } else {
            match description.iter().position(|have| have == word) {
                // What stands first in a description says what the tool is for.
                Some(at) if at < 12 => 20,
                Some(_) => 10,
                None if description.iter().any(|have| alike(have, word)) => 5,
                None => 0,
            }
        };
        matched += u32::from(points > 0);
        total += points;
    }
    if total == 0 {
        return 0;
    }
    // A tool that has all the words stands before one that has some of them often.
    let all = if matched == wanted.len() as u32 {
        200
    } else {
        0
    };
    total + all + (20u32).saturating_sub(name.len() as u32 * 2)
}

fn alike(have: &str, word: &str) -> bool {
    let (have, word) = (singular(have), singular(word));
    have == word || (word.len() >= 3 && have.starts_with(word))
}

fn singular(word: &str) -> &str {
    word.strip_suffix('s')
        .filter(|rest| rest.len() >= 3)
        .unwrap_or(word)
}

fn words(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut before = ' ';
    let mut open = false;
    for c in text.chars() {
        if !c.is_alphanumeric() {
            open = false;
        } else {
            if !open || (c.is_uppercase() && before.is_lowercase()) {
                out.push(String::new());
            }
            open = true;
            if let Some(word) = out.last_mut() {
                word.extend(c.to_lowercase());
            }
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::catalog::{Server, Tool};
    use crate::server::model_server;
    use serde_json::json;

    #[test]
    fn better_matches_stand_first() {
        let tool = |name: &str, description: &str| Tool {
            name: name.to_string(),
            description: Some(description.to_string()),
            input_schema: json!({"type": "object"}),
            ..Tool::default()
        };
        let tools = vec![
            tool("create_issue", "Creates an issue"),
            tool("ping", "Answers; lists nothing about an issue"),
            tool("list_issue_types", "Lists the types"),
            tool("list_issues", "Lists them"),
        ];
        let servers = [model_server(
            "github",
            &Server {
                tools,
                ..Default::default()
            },
        )
        .unwrap()];
        let found = |query: &str| -> Vec<&str> {
            search(&servers, query, 10)
                .into_iter()
                .map(|hit| hit.tool.tool.as_str())
                .collect()
        };
        assert_eq!(found("listIssues")[0], "list_issues");
        assert_eq!(found("list issues")[0], "list_issues");
        assert_eq!(found("create")[0], "create_issue");
        assert_eq!(found("answers"), ["ping"]);
        assert_eq!(found("zebra"), Vec::<&str>::new());
        assert_eq!(found("").len(), 4);
        assert_eq!(found("github").len(), 4);
    }
}
