//! What was counted -> the text of `results.md`. Every figure in it comes from the transcripts.

use std::fmt::Write as _;

use anyhow::Context as _;

use crate::count::Bill;
use crate::kept::{Counted, Row};
use crate::measure::{MODES, Mode};
use crate::scenario::{SCENARIOS, Scenario};

/// What a model's context holds at most, at present: most of them, and the largest.
const CONTEXT: [usize; 2] = [200_000, 1_000_000];

/// Where direct calls take so many tokens, witgate is to take at most so many.
const AIM: (usize, usize) = (150_000, 1_000);

/// The whole file.
///
/// # Errors
/// A scenario was not counted.
pub(crate) fn results(counted: &Counted) -> anyhow::Result<String> {
    let mut out = String::from(HEAD);
    section(
        &mut out,
        "Tokens of the whole conversation, each once",
        ONCE,
    );
    out.push_str(&figures(counted, Bill::once, true)?);
    out.push_str(&aim(counted)?);
    section(
        &mut out,
        "Input tokens as billed, summed over all turns, nothing cached",
        BILLED,
    );
    out.push_str(&figures(counted, |bill| bill.input, false)?);
    section(&mut out, "Output tokens: what the model writes", WRITTEN);
    out.push_str(&figures(counted, |bill| bill.written, false)?);
    section(&mut out, "Where witgate's tokens go", PARTS);
    out.push_str(&parts(counted)?);
    section(&mut out, "Where direct calls are cheaper", CHEAPER);
    out.push_str(&crossover(counted)?);
    section(
        &mut out,
        "What a model is given and what is counted",
        COUNTED,
    );
    section(&mut out, "What is weaker than a real session", WEAKER);
    Ok(out)
}

const HEAD: &str = "# The token bill

Written by `witgate-bench-tokens` from the transcripts in `transcripts/`, do not edit; `README.md` says how to run it and how to
recount. The tokenizer is o200k (`tiktoken-rs`). Every conversation was had with real processes: servers that list the real
definitions of the corpus, an MCP client, and for witgate `witgate serve` over stdio. In all four modes the same calls reached the
servers, the servers were in the same state afterwards, and the last answer was the same; a run that differs is an error.

![tokens over connected tools](results.svg)
";

const ONCE: &str = "Each token counted once, whoever reads or writes it: definitions, instructions, the task, calls with their
code, results, the answer. This is how the announcement of code execution with MCP counted (150,000 -> 2,000, 98.7 %).
`*`: does not fit into a context of 200,000 tokens; `**`: nor into one of 1,000,000, so the figure is what would be needed.";

const BILLED: &str = "A model is sent the whole conversation again with every turn. Where a provider caches prompts, what was sent before
costs a tenth of it or so, and the truth lies between the two tables.";

const WRITTEN: &str = "Part of the first table. Providers charge several times as much for them, and they are what a user waits for.";

const PARTS: &str = "JavaScript and Rust, at 250 tools, tokens once. \"tools\" is what is given before the task: the definitions of the four tools
and the instructions, which do not depend on the servers behind.";

const CHEAPER: &str = "Direct calls cost their definitions and the rest of the conversation; only the first grows with what is connected. Below so many
tokens of definitions direct is cheaper than JavaScript through witgate: for single calls with little connected. With next to
nothing connected `describe` says so itself (`transcripts/lookup-1-js.json`). Beside it stands";

const COUNTED: &str = "- A tool is given as the compact JSON of `name`, `description` and `input_schema`, as APIs take it. Output schemas, titles and
  annotations are not counted: clients do not pass them on. The name has the server's before it (`redis__get`), as two servers
  may have a tool of the same name. Servers of the corpus have no instructions; witgate's are counted.
- A call is the compact JSON of `name` and `arguments`, code included as a JSON string. A result is its text blocks;
  `structuredContent`, which repeats them, and `_meta` are not shown to models. Message frames of the API are not counted.
- Results are compact JSON, also where the real server indents its own, in favour of the direct modes. So is that direct calls are
  made at once where they do not need each other (all 100 lookups of `deals` in one turn), and that the sheet is read with one call.
- \"search tool\": one tool that returns the definitions of the 5 best matches by witgate's own ranking, which are then called.
- witgate: `search` with the same words, `describe` of the tools that are used, `run` of one program, then the answer.
- Servers are whole servers of the corpus: those that the task needs, then others, each the one with which the mean size of a
  definition comes nearest to the corpus' own. A server that has more tools than there is room for is connected with the first of
  its list (at 20 tools, those that are needed).
- For witgate, `witgate sync` ran once; servers start when a program calls them. For direct calls, every server is started.";

const WEAKER: &str = "- The model is a script. It makes no mistakes: no wrong argument, no program that does not compile, no tool that it overlooks.
  A real model has such turns in every mode; a wrong program costs about as much again as its `run`.
- It knows the form of results that no schema declares (that a Lark document has `content`, a GitHub issue `state`, a prediction
  `status` and `output`). Where a model does not, a direct call shows it in passing; a program needs one look more.
- The Rust programs use what the prelude has (`try_join_all`, `clock::sleep_ms`) without having read of it in these conversations.
- A model that copies 28,000 tokens of a transcript by hand would take minutes and make mistakes; a script does not.
- `orders` could be done directly with fewer tokens by changing the workbook (sort it, read its top); nobody asked for that.
- In `polling` no client has a way to wait between turns; the direct modes are counted as if it cost nothing.";

fn section(out: &mut String, title: &str, text: &str) {
    let _ = write!(out, "\n## {title}\n\n");
    if !text.is_empty() {
        out.push_str(text);
        out.push('\n');
    }
}

/// The sizes of a scenario that were counted, with their rows.
fn rows<'a>(counted: &'a Counted, scenario: &Scenario) -> Vec<(usize, &'a Row)> {
    let of = |((name, size), row): (&(String, usize), &'a Row)| {
        (name == scenario.name).then_some((*size, row))
    };
    counted.rows.iter().filter_map(of).collect()
}

fn bill(row: &Row, mode: Mode) -> anyhow::Result<&Bill> {
    row.get(&mode)
        .with_context(|| format!("`{}` was not counted", mode.name()))
}

fn figures(
    counted: &Counted,
    of: impl Fn(&Bill) -> usize,
    with_marks: bool,
) -> anyhow::Result<String> {
    let mut out = String::from(
        "\n| task | tools | all direct | search tool + direct | witgate, JavaScript | witgate, Rust | JavaScript against direct |\n|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for scenario in &SCENARIOS {
        for (size, row) in rows(counted, scenario) {
            let _ = write!(out, "| {} | {} |", scenario.name, grouped(size));
            for mode in MODES {
                let tokens = of(bill(row, mode)?);
                let mark = match with_marks {
                    true => "*".repeat(CONTEXT.iter().filter(|most| tokens > **most).count()),
                    false => String::new(),
                };
                let _ = write!(out, " {}{} |", grouped(tokens), mark.replace('*', "\\*"));
            }
            let (direct, js) = (of(bill(row, Mode::Direct)?), of(bill(row, Mode::Js)?));
            let _ = writeln!(out, " {} |", saved(direct, js));
        }
    }
    if with_marks {
        out.push('\n');
        for scenario in &SCENARIOS {
            let _ = writeln!(out, "- **{}**: {}.", scenario.name, scenario.title);
        }
    }
    Ok(out)
}

/// The aim, and whether it is met.
fn aim(counted: &Counted) -> anyhow::Result<String> {
    let mut out = String::new();
    let Some(meeting) = SCENARIOS.first() else {
        return Ok(out);
    };
    for (size, row) in rows(counted, meeting) {
        let (direct, js) = (bill(row, Mode::Direct)?.once(), bill(row, Mode::Js)?.once());
        if direct >= AIM.0 {
            let met = match js <= AIM.1 {
                true => "met",
                false => "missed",
            };
            let _ = write!(
                out,
                "\nAim: `{}` with at most {} tokens where direct calls take {} or more. With {} tools: {} instead of {}, {}: {met}.\n",
                meeting.name,
                grouped(AIM.1),
                grouped(AIM.0),
                grouped(size),
                grouped(js),
                grouped(direct),
                saved(direct, js),
            );
            break;
        }
    }
    Ok(out)
}

fn parts(counted: &Counted) -> anyhow::Result<String> {
    let mut out = String::from(
        "\n| task | language | tools | task | search | describe | run: the program | run: its answer | last answer | sum |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for scenario in &SCENARIOS {
        let Some((_, row)) = rows(counted, scenario)
            .into_iter()
            .find(|(size, _)| *size == 250)
        else {
            continue;
        };
        for mode in [Mode::Js, Mode::Rust] {
            let bill = bill(row, mode)?;
            let mut sums = [0; 5];
            let mut last = 4;
            for (what, tokens) in &bill.parts {
                let column = match what.as_str() {
                    "witgate__search" => 0,
                    "witgate__describe" => 1,
                    "witgate__run" => 2,
                    "result" if last == 2 => 3,
                    "result" => last,
                    _ => 4,
                };
                last = column;
                if what != "task" {
                    sums[column] += tokens;
                }
            }
            let [search, describe, program, answer, end] = sums.map(grouped);
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {search} | {describe} | {program} | {answer} | {end} | {} |",
                scenario.name,
                mode.name(),
                grouped(bill.given),
                grouped(bill.task),
                grouped(bill.once()),
            );
        }
    }
    Ok(out)
}

/// Up to how many tokens of definitions direct calls cost less.
fn crossover(counted: &Counted) -> anyhow::Result<String> {
    let (tools, tokens) = counted.corpus;
    let mean = tokens as f64 / tools.max(1) as f64;
    let mut out = format!(
        "how many tools of the corpus' mean size ({mean:.0} tokens) that is, and what the definitions cost that the task cannot do without.

| task | direct without definitions | witgate, JavaScript | direct is cheaper below | that is | needed by the task | as billed, cheaper below | that is |
|---|--:|--:|--:|--:|--:|--:|--:|\n"
    );
    for scenario in &SCENARIOS {
        let rows = rows(counted, scenario);
        let Some((_, row)) = rows.first() else {
            continue;
        };
        let (direct, js) = (bill(row, Mode::Direct)?, bill(row, Mode::Js)?);
        let needed = counted.used.get(scenario.name).copied().unwrap_or_default();
        let once = js.once().saturating_sub(direct.once() - direct.given);
        let rest = direct.input - direct.turns * direct.given;
        let billed = js.input.saturating_sub(rest) / direct.turns;
        let told = |below: usize| match below > needed {
            true => (grouped(below), format!("{:.1} tools", below as f64 / mean)),
            false => ("never".to_owned(), String::new()),
        };
        let ((once, once_tools), (billed, billed_tools)) = (told(once), told(billed));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {once} | {once_tools} | {} | {billed} | {billed_tools} |",
            scenario.name,
            grouped(direct.once() - direct.given),
            grouped(js.once()),
            grouped(needed),
        );
    }
    Ok(out)
}

/// How much less, in percent; more is said as such.
fn saved(direct: usize, other: usize) -> String {
    let share = 100.0 * (1.0 - other as f64 / direct.max(1) as f64);
    match share {
        share if share < 0.0 => format!("{:.0} % more", -share),
        share if share > 99.0 => format!("{share:.2} % less"),
        share => format!("{share:.1} % less"),
    }
}

/// 1234567 -> `1,234,567`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_as_people_read_them() {
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(saved(150_000, 1_000), "99.33 % less");
        assert_eq!(saved(1_000, 600), "40.0 % less");
        assert_eq!(saved(500, 1_000), "100 % more");
    }
}
