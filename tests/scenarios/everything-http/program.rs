//! The same as `program.js`, typed.

use mcp::everything::{
    EchoArgs, GetResourceLinksArgs, GetSumArgs, echo, get_resource_links, get_sum,
};
use witgate_guest::prelude::*;

async fn run(_: Value) -> Result<Value> {
    let texts: Vec<String> = (0..20).map(|index| format!("message {index}")).collect();
    let calls = texts.iter().map(|message| {
        echo(EchoArgs {
            message: message.clone(),
            ..Default::default()
        })
    });
    let echoes = try_join_all(calls).await?;
    let failed = get_resource_links(GetResourceLinksArgs {
        count: Some(11.0),
        ..Default::default()
    })
    .await;
    let failed = failed.err().context("eleven are too many")?;
    let sum = get_sum(GetSumArgs {
        a: 0.5,
        b: 0.25,
        ..Default::default()
    })
    .await?;
    let mut pairs = echoes.iter().zip(&texts);
    Ok(json!({
        "inOrder": pairs.all(|(echo, text)| *echo == format!("Echo: {text}")),
        "sum": sum,
        "failed": {
            "isToolError": true,
            "kind": failed.kind.as_str(),
            "tool": failed.tool,
            "message": failed.message,
        },
    }))
}

program!(run);
