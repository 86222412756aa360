//! The same as `program.ts`, typed.

use mcp::db::{
    CreateTableArgs, ReadQueryArgs, WriteQueryArgs, create_table, read_query, write_query,
};
use witgate_guest::prelude::*;

record! {
    struct Row { name: String, amount: i64 }
    struct Input { rows: Vec<Row> }
}

async fn run(input: Input) -> Result<Value> {
    let query = "CREATE TABLE deal (name TEXT, amount INTEGER)".into();
    create_table(CreateTableArgs {
        query,
        ..Default::default()
    })
    .await?;
    let rows = input.rows.iter();
    let values = rows.map(|row| format!("('{}', {})", row.name.replace('\'', "''"), row.amount));
    let values: Vec<String> = values.collect();
    let query = format!("INSERT INTO deal VALUES {}", values.join(", "));
    let written = write_query(WriteQueryArgs {
        query,
        ..Default::default()
    })
    .await?;
    let query = "SELECT count(*) AS deals, sum(amount) AS total FROM deal".into();
    let sums = read_query(ReadQueryArgs {
        query,
        ..Default::default()
    })
    .await?;
    let sums = sums
        .as_str()
        .context("the rows are a text")?
        .replace('\'', "\"");
    let query = "DROP TABLE deal".into();
    let not_a_select = read_query(ReadQueryArgs {
        query,
        ..Default::default()
    })
    .await;
    // This server tells of the failure in a result.
    let not_a_select = not_a_select.unwrap_or_else(|error| json!(error.message));
    let sums: Value = serde_json::from_str(&sums)?;
    Ok(json!({ "written": written, "sums": sums, "notASelect": not_a_select }))
}

program!(run);
