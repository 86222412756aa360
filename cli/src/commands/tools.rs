//! `witgate tools`: what there is to call.

use clap::Args;
use serde_json::json;
use witgate_codegen::model::{ServerModel, ToolModel};
use witgate_codegen::search::Index;
use witgate_codegen::server::model_catalog;
use witgate_codegen::{dts, select};

use crate::failure::{Failure, Kind, chain};
use crate::terminal;

/// Find tools by name or description
#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate tools                                all tools of the servers in .mcp.json
  witgate tools create issue                   best matches first
  witgate tools github/list_issues             the declaration of one tool
  witgate tools --catalog tools-list.json --server github --json")]
pub(crate) struct Tools {
    /// Words to look for; without any, all tools are listed
    query: Vec<String>,
    /// At most this many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    from: super::CatalogArguments,
    /// Print one JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

impl Tools {
    pub(crate) async fn exec(&self) -> Result<(), Failure> {
        let catalog = self.from.read().await?;
        let models =
            model_catalog(&catalog).map_err(|e| Failure::new(Kind::Configuration, chain(&e)))?;
        let query = self.query.join(" ");
        let default = if query.is_empty() { usize::MAX } else { 20 };
        let limit = self.limit.unwrap_or(default);
        let found = Index::new(&models).search(&query);
        let hits: Vec<(&ServerModel, &ToolModel)> = found
            .iter()
            .take(limit)
            .filter_map(|found| {
                let server = models.get(found.server)?;
                Some((server, server.tools.get(found.tool)?))
            })
            .collect();
        let summary = |doc: &Option<String>| {
            let doc = doc.as_deref().unwrap_or("");
            doc.lines().next().unwrap_or("").trim().to_owned()
        };
        if let Some((server, tool)) = query.split_once('/')
            && let Ok((server, tool)) = select::find_tool(&models, server, tool)
        {
            let declared = dts::declare_tools(server, &[tool]);
            terminal::data(&match self.json {
                true => {
                    json!({"server": server.server, "tool": tool.tool, "declaration": declared})
                        .to_string()
                }
                false => declared,
            });
            return Ok(());
        }
        if self.json {
            let list: Vec<_> = hits
                .iter()
                .map(|(server, tool)| {
                    let mut entry = json!({"server": server.server, "tool": tool.tool, "summary": summary(&tool.doc)});
                    if let Some(note) = tool.output_origin.note() {
                        entry["result"] = note.into();
                    }
                    entry
                })
                .collect();
            terminal::data(&json!(list).to_string());
            return Ok(());
        }
        for (server, tool) in &hits {
            let name = format!("{}/{}", server.server, tool.tool);
            let note = match tool.output_origin.note() {
                Some(note) => format!(" (result {note})"),
                None => String::new(),
            };
            let line = format!("{name:<32} {}{note}", summary(&tool.doc));
            terminal::data(&terminal::clean(&line));
        }
        if hits.is_empty() {
            terminal::note("no tool matches");
        }
        Ok(())
    }
}
