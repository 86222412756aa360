//! The same as `program.js`, typed.

use mcp::time::{ConvertTimeArgs, convert_time};
use witgate_guest::prelude::*;

async fn run(input: Value) -> Result<Value> {
    let time = input["time"].as_str().context("`time` is a text")?;
    let calls = ["Asia/Tokyo", "Asia/Kathmandu", "UTC"].map(|zone| {
        convert_time(ConvertTimeArgs {
            source_timezone: "UTC".into(),
            time: time.into(),
            target_timezone: zone.into(),
            ..Default::default()
        })
    });
    let mut rows = Vec::new();
    for converted in join_all(calls).await {
        let converted = converted?;
        rows.push(json!({
            "zone": converted.target.timezone,
            "time": converted.target.datetime[11..16],
            "ahead": converted.time_difference,
        }));
    }
    Ok(json!(rows))
}

program!(run);
