//! `witgate gen`: the interfaces of tools as files, for any component toolchain and for reading.

use std::path::PathBuf;

use clap::Args;
use witgate_codegen::catalog::Catalog;
use witgate_codegen::model::{ServerModel, ToolModel};
use witgate_codegen::select::{self, View};
use witgate_codegen::server::model_catalog;
use witgate_codegen::wit::{self, WitOptions};
use witgate_codegen::{dts, names, rust, tree};

use crate::failure::{Failure, Kind, chain};
use crate::{output, terminal, workspace};

/// Write the interfaces of tools: WIT in both views, `.d.ts`, and Rust
#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate gen -o bindings
  witgate gen -o bindings --tool github/list_issues --tool 'slack/post_message'
  witgate gen -o bindings --catalog tools-list.json --server github

Layout: wit/deps/witgate-runtime, wit/deps/mcp-SERVER, wit/world.wit, js/SERVER.d.ts, rust/SERVER.rs, servers/SERVER/TOOL.d.ts, losses.json")]
pub(crate) struct Gen {
    /// The folder that is written
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Only this tool; can be given many times
    #[arg(long, value_name = "SERVER/TOOL")]
    tool: Vec<String>,
    /// Plain `func` instead of `async func`, for toolchains that know no async
    #[arg(long)]
    sync: bool,
    #[command(flatten)]
    from: super::CatalogArguments,
}

impl Gen {
    pub(crate) async fn exec(&self) -> Result<(), Failure> {
        let catalog: Catalog = self.from.read().await?;
        let models =
            model_catalog(&catalog).map_err(|e| Failure::new(Kind::Configuration, chain(&e)))?;
        let selection = self.select(&models)?;
        let dir = |parts: &[&str]| parts.iter().fold(self.output.clone(), |d, p| d.join(p));

        let options = WitOptions {
            sync: self.sync,
            docs: true,
        };
        output::write(
            &dir(&["wit", "deps", "witgate-runtime", "witgate.wit"]),
            wit::print_runtime(&options).as_bytes(),
        )?;
        let mut losses = Vec::new();
        for (server, tools) in &selection {
            let text = wit::print_package(server, tools, &[View::Typed, View::Json], &options);
            let folder = format!("mcp-{}", server.package);
            output::write(
                &dir(&["wit", "deps", &folder, &format!("{}.wit", server.package)]),
                text.as_bytes(),
            )?;
            let declared = dts::declare_tools(server, tools);
            output::write(
                &dir(&["js", &format!("{}.d.ts", server.package)]),
                declared.as_bytes(),
            )?;
            for tool in tools {
                let file = self.output.join(tree::path(server, tool));
                output::write(&file, tree::text(server, tool).as_bytes())?;
            }
            let names: Vec<&str> = tools.iter().map(|t| t.tool.as_str()).collect();
            let declared = rust::declarations(server, Some(&names));
            let file = format!("{}.rs", names::snake_case(&server.package));
            output::write(&dir(&["rust", &file]), declared.as_bytes())?;
            let module = rust::module_name(server);
            if self.sync && module != names::snake_case(&server.package) {
                terminal::warn(&format!(
                    "`{}` is a word of Rust, and the bindings of cargo-component 0.21 do not compile with it: call the server otherwise in the configuration",
                    server.server
                ));
            }
            losses.extend(
                server
                    .losses
                    .iter()
                    .filter(|l| names.contains(&l.tool.as_str())),
            );
        }
        let servers: Vec<&ServerModel> = selection.iter().map(|(server, _)| *server).collect();
        let world = wit::print_world(&servers);
        output::write(&dir(&["wit", "world.wit"]), world.as_bytes())?;
        let text = serde_json::to_string_pretty(&losses)
            .map_err(|e| Failure::host(format!("cannot write the losses: {e}")))?;
        output::write(&dir(&["losses.json"]), (text + "\n").as_bytes())?;
        let count: usize = selection.iter().map(|(_, tools)| tools.len()).sum();
        terminal::note(&format!(
            "{}: {count} tools of {} servers, {} losses recorded",
            self.output.display(),
            selection.len(),
            losses.len()
        ));
        Ok(())
    }

    fn select<'a>(
        &self,
        models: &'a [ServerModel],
    ) -> Result<Vec<(&'a ServerModel, Vec<&'a ToolModel>)>, Failure> {
        let mut selection: Vec<(&ServerModel, Vec<&ToolModel>)> = Vec::new();
        if self.tool.is_empty() {
            return Ok(models
                .iter()
                .map(|m| (m, m.tools.iter().collect()))
                .collect());
        }
        for given in &self.tool {
            let (server, tool) = given.split_once('/').ok_or_else(|| {
                Failure::usage(format!(
                    "`--tool {given}` does not name a server and a tool"
                ))
                .hint("write `--tool SERVER/TOOL`, for example `--tool github/list_issues`")
            })?;
            let (server, tool) =
                select::find_tool(models, server, tool).map_err(|e| super::unknown_tool(&e))?;
            match selection
                .iter_mut()
                .find(|(s, _)| s.package == server.package)
            {
                Some((_, tools)) if tools.iter().any(|t| t.tool == tool.tool) => {}
                Some((_, tools)) => tools.push(tool),
                None => selection.push((server, vec![tool])),
            }
        }
        Ok(selection)
    }
}

impl super::CatalogArguments {
    /// The catalog that the arguments name: a saved `tools/list`, what `witgate sync` kept, or live servers.
    pub(super) async fn read(&self) -> Result<Catalog, Failure> {
        if let Some(file) = &self.catalog {
            let name = self.server.clone();
            let name = name.unwrap_or_else(|| workspace::server_name(file));
            return workspace::saved_catalog(file, &name);
        }
        let workspace = workspace::open(self.config.as_deref())?;
        if let Some(server) = &self.server
            && !workspace.config.servers.contains_key(server)
        {
            let names: Vec<_> = workspace
                .config
                .servers
                .keys()
                .map(|n| format!("`{n}`"))
                .collect();
            return Err(
                Failure::usage(format!("no server `{server}` is configured"))
                    .hint(format!("the configured servers are {}", names.join(", "))),
            );
        }
        let wanted = |name: &str| self.server.as_deref().is_none_or(|s| s == name);
        let catalog = workspace.catalog(wanted, true, self.server.is_none()).await;
        workspace.servers.shutdown().await;
        let mut catalog = catalog?;
        catalog.servers.retain(|name, _| wanted(name));
        for (name, why) in workspace::keep_sound(&mut catalog) {
            terminal::warn(&format!("server `{name}` is left out: {why}"));
        }
        Ok(catalog)
    }
}
