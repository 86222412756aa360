//! The corpus of real servers beside the repository, and which of them are connected: those that the scenario needs, then others,
//! until there are so many tools. Each of the others is the one with which the mean size of a definition comes nearest to that
//! of the whole corpus, so that a part of it costs what such a part costs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::conversation::rendered;
use crate::server::definitions;

/// Real servers, as lists of tools that were harvested from them.
pub(crate) struct Corpus {
    folder: PathBuf,
    /// Tools by server, in the server's order, with the bytes that a model is given of each.
    tools: BTreeMap<String, Vec<(String, usize)>>,
}

/// A server that is connected.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Connected {
    pub(crate) server: String,
    pub(crate) file: PathBuf,
    pub(crate) tools: Vec<String>,
    /// Whether these are all of its tools.
    pub(crate) is_whole: bool,
}

impl Corpus {
    /// # Errors
    /// The folder is not there, or a file in it is no list of tools.
    pub(crate) fn open() -> anyhow::Result<Corpus> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
        let entries = std::fs::read_dir(&folder).with_context(|| {
            format!("the corpus of real servers is not in `{}`; without it, `--check` recounts what was measured", folder.display())
        })?;
        let mut tools = BTreeMap::new();
        for entry in entries {
            let path = entry?.path();
            let Some(name) = path.file_stem().and_then(|name| name.to_str()) else {
                continue;
            };
            // The list of the servers, and where they came from.
            if name == "manifest" {
                continue;
            }
            let listed = definitions(&path, &[])?.into_iter().map(|tool| {
                let tool_name = tool["name"].as_str().unwrap_or_default().to_owned();
                (tool_name, given(name, &tool).to_string().len())
            });
            tools.insert(name.to_owned(), listed.collect());
        }
        Ok(Corpus { folder, tools })
    }

    /// Tools of all servers.
    pub(crate) fn size(&self) -> usize {
        self.tools.values().map(Vec::len).sum()
    }

    /// Servers with `count` tools together, the tools `used` among them. A server that has more tools than there is room for is
    /// connected with the first ones of its list, as servers and clients let one choose.
    ///
    /// # Errors
    /// The corpus lacks a tool that is used, or has fewer tools than wanted.
    pub(crate) fn connected(
        &self,
        used: &[(&str, &str)],
        count: usize,
    ) -> anyhow::Result<Vec<Connected>> {
        let size = self.size();
        ensure!(count <= size, "the corpus has {size} tools, not {count}");
        ensure!(count >= used.len(), "{count} tools are fewer than are used");
        let mut needed: Vec<&str> = Vec::new();
        for (server, tool) in used {
            let has = self
                .tools
                .get(*server)
                .is_some_and(|tools| tools.iter().any(|(name, _)| name == tool));
            ensure!(has, "the corpus has no `{server}/{tool}`");
            if !needed.contains(server) {
                needed.push(server);
            }
        }
        let (mut room, mut connected) = (count, Vec::new());
        for (at, server) in needed.iter().enumerate() {
            // What is there is shared among those that still come.
            let share = room / (needed.len() - at);
            let must: Vec<&str> = used
                .iter()
                .filter(|(of, _)| of == server)
                .map(|(_, tool)| *tool)
                .collect();
            let one = self.part(server, &must, share)?;
            room -= one.tools.len();
            connected.push(one);
        }
        while room > 0 {
            let Some(server) = self.nearest_to_mean(&connected) else {
                break;
            };
            let one = self.part(server, &[], room)?;
            room -= one.tools.len();
            connected.push(one);
        }
        ensure!(room == 0, "{room} of {count} tools were not connected");
        Ok(connected)
    }

    /// The server that is best added to those that are connected; `None` where all are.
    fn nearest_to_mean(&self, connected: &[Connected]) -> Option<&str> {
        let sum = |tools: &[(String, usize)]| tools.iter().map(|(_, bytes)| bytes).sum::<usize>();
        let all: usize = self.tools.values().map(|tools| sum(tools)).sum();
        let mean = all as f64 / self.size() as f64;
        let (mut count, mut bytes) = (0, 0);
        for one in connected {
            let tools = self.tools.get(&one.server).map(Vec::as_slice);
            let chosen = tools.unwrap_or_default().iter();
            let chosen = chosen.filter(|(name, _)| one.tools.contains(name));
            bytes += chosen.map(|(_, bytes)| bytes).sum::<usize>();
            count += one.tools.len();
        }
        let off = |tools: &[(String, usize)]| {
            ((bytes + sum(tools)) as f64 / (count + tools.len()).max(1) as f64 - mean).abs()
        };
        self.tools
            .iter()
            .filter(|(server, _)| connected.iter().all(|one| one.server != **server))
            .min_by(|(_, one), (_, other)| off(one).total_cmp(&off(other)))
            .map(|(server, _)| server.as_str())
    }

    /// What a model is given of connected servers' tools, with the names of server and tool.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn definitions(
        &self,
        connected: &[Connected],
    ) -> anyhow::Result<Vec<(String, String, Value)>> {
        let mut all = Vec::new();
        for one in connected {
            for tool in definitions(&one.file, &one.tools)? {
                let name = tool["name"].as_str().unwrap_or_default().to_owned();
                all.push((one.server.clone(), name, given(&one.server, &tool)));
            }
        }
        Ok(all)
    }

    /// The tools that a server must have, and its first ones beside, at most `room`; in its own order.
    fn part(&self, server: &str, must: &[&str], room: usize) -> anyhow::Result<Connected> {
        let all = self
            .tools
            .get(server)
            .with_context(|| format!("there is no `{server}`"))?;
        let mut free = room.saturating_sub(must.len());
        let mut tools = Vec::new();
        for (tool, _) in all {
            if must.contains(&tool.as_str()) {
                tools.push(tool.clone());
            } else if free > 0 {
                free -= 1;
                tools.push(tool.clone());
            }
        }
        Ok(Connected {
            server: server.to_owned(),
            file: self.folder.join(format!("{server}.json")),
            is_whole: tools.len() == all.len(),
            tools,
        })
    }
}

/// What a model is given of a tool as a server lists it.
pub(crate) fn given(server: &str, tool: &Value) -> Value {
    let text = |key: &str| tool[key].as_str().unwrap_or_default();
    rendered(
        server,
        text("name"),
        text("description"),
        &tool["inputSchema"],
    )
}
