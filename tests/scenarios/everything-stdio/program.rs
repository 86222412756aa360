//! The same as `program.js`, typed.

use mcp::everything::{
    EchoArgs, GetStructuredContentArgs, GetStructuredContentLocation, GetSumArgs, echo,
    get_structured_content, get_sum, get_tiny_image,
};
use witgate_guest::prelude::*;

async fn run(input: Value) -> Result<Value> {
    let message = input["message"].as_str().context("`message` is a text")?;
    let blocks = get_tiny_image().await?;
    let blocks = blocks.as_array().context("a list of blocks")?.iter();
    let blocks = blocks.map(|block| block.get("mimeType").unwrap_or(&block["type"]));
    let echoed = echo(EchoArgs {
        message: message.into(),
        ..Default::default()
    })
    .await?;
    let sum = get_sum(GetSumArgs {
        a: 2.0,
        b: 40.0,
        ..Default::default()
    })
    .await?;
    let location = GetStructuredContentLocation::Chicago;
    let weather = get_structured_content(GetStructuredContentArgs {
        location,
        ..Default::default()
    })
    .await?;
    Ok(json!({
        "echo": echoed,
        "sum": sum,
        "weather": weather,
        "blocks": blocks.collect::<Vec<_>>(),
    }))
}

program!(run);
