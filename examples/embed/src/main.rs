//! Embeds the host: `embed CONFIG COMPONENT.wasm SERVER/TOOL INPUT` runs a component under one grant and prints its result.

use std::{env::args, fs, path::Path};

use witgate_host::{Definitions, Grants, Host, HostOptions, Limits, Prepared, Program};
use witgate_host::{RunOptions, Servers, admit, config, grants};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = args().skip(1).collect();
    let [config, component, allow, input] = args.as_slice() else {
        anyhow::bail!("usage: embed CONFIG COMPONENT.wasm SERVER/TOOL INPUT");
    };
    let servers = Servers::new(&config::load(Path::new(config))?, Default::default());
    let (catalog, failed) = servers.sync(None).await;
    for (_, error) in failed {
        eprintln!("{error}");
    }
    let definitions = Definitions::new(&catalog)?;
    let host = Host::new(HostOptions::default())?;
    let program = Program::load(&host, &fs::read(component)?)?;

    let rules = Grants::from(grants::allow(allow)?).check(&definitions)?;
    let imports = program.imports(&host, &definitions);
    let plan = admit(&imports, &rules, &Limits::default(), None)?;
    let prepared = Prepared::new(&host, &program, plan, &definitions)?;

    let (input, options) = (serde_json::from_str(input)?, RunOptions::new(&servers));
    let finished = prepared.run(&host, &input, options).await;
    servers.shutdown().await;
    println!("{}", finished.result?);
    Ok(())
}
