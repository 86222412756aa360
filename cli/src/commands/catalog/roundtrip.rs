//! `witgate catalog roundtrip`: values through the conversions of a call, one JSON line in, one line out. Nothing is called.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use witgate_codegen::select;
use witgate_host::{Definitions, round_trip};

use crate::failure::{Failure, Kind, chain};
use crate::{terminal, workspace};

/// Longest line, in bytes.
const LONGEST: usize = 16 << 20;

/// Take values on stdin through JSON -> typed value -> JSON
#[derive(Args)]
#[command(after_help = "\
Examples:
  echo '{\"state\":\"open\"}' | witgate catalog roundtrip --catalog github.json --tool list_issues --side input
  witgate catalog roundtrip --catalog github.json --tool get_issue --side output --view json <results.jsonl

One line of stdin is one value; empty lines are skipped. Each gives one line on stdout, in order: the value as it comes out,
or {\"invalid\": {\"at\": POINTER, \"why\": TEXT}}.")]
pub(crate) struct Roundtrip {
    /// A saved answer to `tools/list`
    #[arg(long, value_name = "FILE")]
    catalog: PathBuf,
    /// The tool, as the server names it
    #[arg(long, value_name = "NAME")]
    tool: String,
    /// The arguments or the result
    #[arg(long)]
    side: Side,
    /// The view through which the values go
    #[arg(long, default_value = "typed")]
    view: View,
}

#[derive(Clone, Copy, ValueEnum)]
enum Side {
    Input,
    Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum View {
    Typed,
    Json,
}

/// One line of stdin.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Text(String),
    /// It cannot be a value; the reason.
    Unfit(&'static str),
}

impl Roundtrip {
    pub(crate) async fn exec(&self) -> Result<(), Failure> {
        let server = workspace::server_name(&self.catalog);
        let catalog = workspace::saved_catalog(&self.catalog, &server)?;
        let definitions =
            Definitions::new(&catalog).map_err(|e| Failure::new(Kind::Configuration, chain(&e)))?;
        let found = select::find_tool(&definitions.models, &server, &self.tool);
        let (_, tool) = found.map_err(|e| super::super::unknown_tool(&e))?;
        let Some(definition) = definitions.get(&server, &tool.tool) else {
            return Err(Failure::host(format!("`{}` has no definition", tool.tool)));
        };
        let side = match self.side {
            Side::Input => witgate_host::Side::Input,
            Side::Output => witgate_host::Side::Output,
        };
        let view = match self.view {
            View::Typed => select::View::Typed,
            View::Json => select::View::Json,
        };
        let mut input = BufReader::with_capacity(64 << 10, tokio::io::stdin());
        let mut output = terminal::lines();
        loop {
            // Whoever writes slowly wants each answer before the next question.
            if input.buffer().is_empty() && output.flush().is_err() {
                return Ok(());
            }
            let line = next_line(&mut input, LONGEST).await;
            let line = line.map_err(|e| Failure::usage(format!("cannot read stdin: {e}")))?;
            let answer = match line {
                None => break,
                Some(Line::Unfit(why)) => invalid("", why),
                Some(Line::Text(text)) if text.trim().is_empty() => continue,
                Some(Line::Text(text)) => match round_trip(definition, side, view, &text).await {
                    Ok(value) => value,
                    Err(violation) => invalid(&violation.at, &violation.why),
                },
            };
            // Nobody is left to tell when stdout is gone.
            if writeln!(output, "{answer}").is_err() {
                return Ok(());
            }
        }
        let _ = output.flush();
        Ok(())
    }
}

fn invalid(at: &str, why: &str) -> String {
    let value: Value = json!({ "invalid": { "at": at, "why": why } });
    value.to_string()
}

/// The next line without its end, or `None` at the end of the input. What is longer than `longest` is read past, not kept.
async fn next_line(
    input: &mut (impl tokio::io::AsyncBufRead + Unpin),
    longest: usize,
) -> std::io::Result<Option<Line>> {
    let mut kept: Vec<u8> = Vec::new();
    let (mut too_long, mut any) = (false, false);
    loop {
        let bytes = input.fill_buf().await?;
        if bytes.is_empty() {
            break;
        }
        any = true;
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        too_long |= kept.len() + part.len() > longest;
        if too_long {
            kept.clear();
        } else {
            kept.extend_from_slice(part);
        }
        let used = end.map_or(bytes.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            break;
        }
    }
    Ok(match (any, too_long) {
        (false, _) => None,
        (true, true) => Some(Line::Unfit("the line is longer than 16 MiB")),
        (true, false) => Some(match String::from_utf8(kept) {
            Ok(text) => Line::Text(text),
            Err(_) => Line::Unfit("the line is not UTF-8"),
        }),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn lines_of_every_kind() {
        let text = b"{}\r\n\n12345678901\n1234567890\n\xff\nlast";
        // Smaller than the lines, so that they come in parts.
        let mut input = BufReader::with_capacity(4, &text[..]);
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut input, 10).await.unwrap() {
            lines.push(line);
        }
        let text = |text: &str| Line::Text(text.to_owned());
        let wanted = [
            text("{}\r"),
            text(""),
            Line::Unfit("the line is longer than 16 MiB"),
            text("1234567890"),
            Line::Unfit("the line is not UTF-8"),
            text("last"),
        ];
        assert_eq!(lines, wanted);
    }
}
