//! The command from its start: to the first byte that a server reads, and to its end. Another process is started for each
//! round, with its folder of compiled code filled by the round before the first.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::beside::beside;
use crate::ground::Ground;
use crate::spread::{Row, seconds};

const PROGRAM: &str = r#"
import { get_order } from "mcp:bench";

export default async function (input) {
  return (await get_order({ id: input.id })).name;
}
"#;

pub(crate) fn rows(ground: &Ground) -> anyhow::Result<Vec<Row>> {
    let folder = ground.folder.path().join("cli");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("program.js"), PROGRAM)?;
    let server = json!({ "command": beside("witgate-bench-server")?, "args": ["--stamp", folder.join("stamp")] });
    let config = json!({ "mcpServers": { "bench": server } });
    std::fs::write(folder.join(".mcp.json"), config.to_string())?;
    let witgate = beside("witgate")?;
    let (mut first_byte, mut whole) = (Vec::new(), Vec::new());
    for round in 0..ground.rounds(40) + 2 {
        let (byte, end) = start(&witgate, &folder)?;
        if round >= 2 {
            first_byte.push(byte);
            whole.push(end);
        }
    }
    Ok(vec![
        Row::new(
            "cli.first-byte",
            "`witgate run program.js`: from its spawn to the first byte in the server that it starts",
            seconds(&first_byte),
        )
        .aim(100.0, None),
        Row::new(
            "cli.run",
            "the same to its exit: server started, one call made, result printed, server closed",
            seconds(&whole),
        ),
    ])
}

fn start(witgate: &Path, folder: &Path) -> anyhow::Result<(Duration, Duration)> {
    let stamp = folder.join("stamp");
    let mut command = Command::new(witgate);
    command
        .args(["run", "program.js", "--allow", "bench/get_order"])
        .args(["--input", r#"{"id":7}"#])
        .current_dir(folder)
        .env("WITGATE_CACHE", folder.join("cache"))
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    // Two processes share this clock; a step of it would show as an outlier.
    let clock = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let started = Instant::now();
    let output = command.output().context("cannot start `witgate`")?;
    let end = started.elapsed();
    ensure!(
        output.status.success(),
        "`witgate run` failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let nanoseconds: u64 = std::fs::read_to_string(&stamp)
        .context("the server left no stamp")?
        .parse()?;
    std::fs::remove_file(&stamp)?;
    let byte = Duration::from_nanos(nanoseconds)
        .checked_sub(clock)
        .context("the clock was set back")?;
    Ok((byte, end))
}
