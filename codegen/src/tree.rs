//! Every tool's declaration as a file of its own: `servers/SERVER/TOOL.d.ts`. The same paths name files and MCP resources, so names
//! that a file system or a URI reads otherwise are written with `%`.

use crate::catalog::hash;
use crate::dts::declare_tools;
use crate::model::{ServerModel, ToolModel};

/// Longest part of a path, in bytes.
const LONGEST: usize = 120;

/// Where the declaration of a tool stands: three parts, no part of which can lead out of its folder.
pub fn path(server: &ServerModel, tool: &ToolModel) -> String {
    format!("servers/{}/{}.d.ts", part(&server.server), part(&tool.tool))
}

/// The declaration that stands there.
pub fn text(server: &ServerModel, tool: &ToolModel) -> String {
    declare_tools(server, &[tool])
}

/// The tool whose declaration stands at a path.
pub fn find<'a>(
    servers: &'a [ServerModel],
    path: &str,
) -> Option<(&'a ServerModel, &'a ToolModel)> {
    let (server, tool) = path
        .strip_prefix("servers/")?
        .strip_suffix(".d.ts")?
        .split_once('/')?;
    let server = servers.iter().find(|model| part(&model.server) == server)?;
    let tool = server
        .tools
        .iter()
        .find(|model| part(&model.tool) == tool)?;
    Some((server, tool))
}

fn part(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => out.push(char::from(byte)),
            // A part of dots alone leads elsewhere.
            b'.' if !out.is_empty() => out.push('.'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    if out.len() > LONGEST {
        // File systems take some 255 bytes; what tells long names apart stays.
        let hash = hash(name);
        let end = &hash[..16];
        out.truncate(LONGEST - end.len() - 1);
        out.push('~');
        out.push_str(end);
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::catalog::{Server, Tool};
    use crate::server::model_server;

    #[test]
    fn every_tool_has_a_path_that_leads_back_to_it_and_nowhere_else() {
        let names = [
            "list_issues",
            "a/b",
            "..",
            "../x",
            "ü",
            "a.b",
            "A%2Fb",
            "con:x",
        ];
        let long = [
            format!("{}a", "\u{202e}".repeat(50)),
            format!("{}b", "\u{202e}".repeat(50)),
        ];
        let names = names.map(str::to_owned).into_iter().chain(long);
        let tools = names.map(|name| Tool {
            name,
            input_schema: serde_json::json!({"type": "object"}),
            ..Tool::default()
        });
        let servers = [model_server(
            "my server",
            &Server {
                tools: tools.collect(),
                ..Server::default()
            },
        )
        .unwrap()];
        let mut paths = std::collections::BTreeSet::new();
        for tool in &servers[0].tools {
            let path = path(&servers[0], tool);
            assert_eq!(path.split('/').count(), 3, "{path}");
            assert!(path.split('/').all(|part| part.len() <= 130), "{path}");
            assert!(path.split('/').all(|part| !part.starts_with('.')), "{path}");
            assert_eq!(find(&servers, &path).unwrap().1.tool, tool.tool);
            assert!(paths.insert(path));
        }
        assert!(paths.contains("servers/my%20server/list_issues.d.ts"));
        assert!(find(&servers, "servers/my%20server/x.d.ts").is_none());
    }
}
