//! Reads one issue by its number and gives its title.

use mcp::issues::{get, GetArgs};
use witgate_guest::prelude::*;

async fn run(_: Value) -> Result<Value> {
    let found = get(GetArgs { id: 1, ..Default::default() }).await?;
    Ok(json!(found.title))
}
program!(run);
