//! `witgate catalog report`: counts over saved `tools/list` answers, for a person or as one JSON object. What is counted is
//! the codegen's matter, and what validation leaves out the host's; here files are read, the clock is asked and the figures are
//! laid out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use witgate_codegen::catalog::Catalog;
use witgate_codegen::loss::Loss;
use witgate_codegen::model::ServerModel;
use witgate_codegen::report::{self, Class, Fallback, Fallbacks, Side, Sizes};
use witgate_host::Definitions;

use crate::failure::{Failure, Kind, chain};
use crate::{terminal, workspace};

/// How many places of each list are shown to a person.
const LISTED: usize = 20;

/// Count what was typed and what was not, with the reason of each
#[derive(Args)]
#[command(after_help = "\
Examples:
  witgate catalog report github.json
  witgate catalog report saved/*.json --json

Each FILE is a saved answer to `tools/list`; its name without `.json` is the server's. A FILE that is none is an error; the
others are reported all the same.")]
pub(crate) struct Report {
    /// Saved answers to `tools/list`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print one JSON object, with every loss, all that is not validated and a row for each server
    #[arg(long)]
    pub(crate) json: bool,
}

/// Figures of one file, or of all.
#[derive(Default, Serialize)]
struct Figures {
    #[serde(flatten)]
    counts: report::Report,
    unvalidated: Unvalidated,
    bytes: Bytes,
    time_ms: Times,
}

/// Counts of what the host cannot validate.
#[derive(Default, Serialize)]
struct Unvalidated {
    /// Places that are no JSON Schema.
    places: usize,
    /// Tools with a schema that cannot be used at all.
    tools: usize,
}

#[derive(Default, Serialize)]
struct Bytes {
    /// Of the files.
    source: usize,
    #[serde(flatten)]
    printed: Sizes,
}

/// Milliseconds.
#[derive(Default, Serialize)]
struct Times {
    /// JSON text -> catalog.
    read: f64,
    /// Catalog -> model.
    model: f64,
    /// Model -> WIT, TypeScript and Rust text.
    print: f64,
}

/// One file.
#[derive(Serialize)]
struct Row {
    server: String,
    #[serde(flatten)]
    figures: Figures,
}

/// A place that is no JSON Schema: validation leaves it out.
#[derive(Serialize)]
struct LeftOut {
    server: String,
    tool: String,
    /// `input` or `output`.
    side: &'static str,
    /// Into the tool's definition, as in a loss.
    pointer: String,
}

/// A tool whose calls fail, because a schema of it cannot be used.
#[derive(Serialize)]
struct Uncallable {
    server: String,
    tool: String,
    why: String,
}

/// A file that could not be reported.
#[derive(Serialize)]
struct Unread {
    file: String,
    message: String,
}

/// All that is printed.
#[derive(Default, Serialize)]
struct Whole {
    servers: usize,
    #[serde(flatten)]
    total: Figures,
    rows: Vec<Row>,
    losses: Vec<Loss>,
    left_out: Vec<LeftOut>,
    uncallable: Vec<Uncallable>,
    errors: Vec<Unread>,
}

impl Report {
    pub(crate) fn exec(&self) -> Result<(), Failure> {
        let mut hint = None;
        let mut whole = Whole::default();
        for file in &self.files {
            match read(file, &mut whole) {
                Ok(()) => {}
                Err(failure) => {
                    if !self.json {
                        terminal::error(&failure.message);
                    }
                    hint = failure.hint.or(hint);
                    whole.errors.push(Unread {
                        file: file.display().to_string(),
                        message: failure.message,
                    });
                }
            }
        }
        if self.json {
            let text = serde_json::to_string(&whole);
            terminal::data(&text.map_err(|e| Failure::host(format!("cannot report: {e}")))?);
        } else if whole.servers > 0 {
            terminal::data(&lay_out(&whole));
        }
        if whole.errors.is_empty() {
            return Ok(());
        }
        if let Some(hint) = hint.filter(|_| !self.json) {
            terminal::hint(&hint);
        }
        Err(Failure::told(Kind::Configuration))
    }
}

fn read(file: &Path, whole: &mut Whole) -> Result<(), Failure> {
    let started = Instant::now();
    let saved = workspace::saved_server(file)?;
    let read = started.elapsed();
    let server = workspace::server_name(file);
    let catalog = Catalog {
        servers: [(server.clone(), saved.server)].into_iter().collect(),
    };
    let started = Instant::now();
    let definitions = Definitions::new(&catalog).map_err(|e| {
        Failure::new(
            Kind::Configuration,
            format!("`{}`: {}", file.display(), chain(&e)),
        )
    })?;
    let modelled = started.elapsed();
    let Some(model) = definitions.models.first() else {
        return Err(Failure::host(format!("`{server}` has no model")));
    };
    let started = Instant::now();
    let printed = report::measure(model);
    let print = started.elapsed();
    let figures = Figures {
        counts: report::report(model),
        unvalidated: unvalidated(&definitions, model, whole),
        bytes: Bytes {
            source: saved.bytes,
            printed,
        },
        time_ms: Times {
            read: milliseconds(read),
            model: milliseconds(modelled),
            print: milliseconds(print),
        },
    };
    whole.servers += 1;
    whole.total.add(&figures);
    whole.rows.push(Row { server, figures });
    whole.losses.extend(model.losses.iter().cloned());
    Ok(())
}

/// Lists and counts what the host cannot validate of a server.
fn unvalidated(definitions: &Definitions, model: &ServerModel, whole: &mut Whole) -> Unvalidated {
    let before = (whole.left_out.len(), whole.uncallable.len());
    for tool in &model.tools {
        let Some(definition) = definitions.get(&model.server, &tool.tool) else {
            continue;
        };
        let blemishes = definition.schema_blemishes().into_iter();
        whole.left_out.extend(blemishes.map(|pointer| LeftOut {
            server: model.server.clone(),
            tool: tool.tool.clone(),
            side: match pointer.starts_with("/outputSchema") {
                true => "output",
                false => "input",
            },
            pointer,
        }));
        let fault = definition.schema_fault();
        whole.uncallable.extend(fault.map(|why| Uncallable {
            server: model.server.clone(),
            tool: tool.tool.clone(),
            why: why.to_owned(),
        }));
    }
    Unvalidated {
        places: whole.left_out.len() - before.0,
        tools: whole.uncallable.len() - before.1,
    }
}

fn milliseconds(time: Duration) -> f64 {
    round(time.as_secs_f64() * 1e3)
}

/// To microseconds, so that sums of times are as short as the times.
fn round(milliseconds: f64) -> f64 {
    (milliseconds * 1e3).round() / 1e3
}

impl Figures {
    fn add(&mut self, other: &Figures) {
        self.counts += &other.counts;
        self.unvalidated.places += other.unvalidated.places;
        self.unvalidated.tools += other.unvalidated.tools;
        self.bytes.source += other.bytes.source;
        self.bytes.printed += other.bytes.printed;
        self.time_ms.read = round(self.time_ms.read + other.time_ms.read);
        self.time_ms.model = round(self.time_ms.model + other.time_ms.model);
        self.time_ms.print = round(self.time_ms.print + other.time_ms.print);
    }
}

fn lay_out(whole: &Whole) -> String {
    let Figures {
        counts,
        unvalidated,
        bytes,
        time_ms,
    } = &whole.total;
    let mut out = Table::default();
    out.line("servers", whole.servers, "");
    let callable = match counts.callable {
        all if all == counts.tools => "all callable in both views".to_owned(),
        some => format!("{} callable in both views", number(some)),
    };
    out.line("tools", counts.tools, &callable);
    let Side {
        declared,
        typed,
        empty,
        ..
    } = counts.inputs;
    let empty = format!("{} of them take no arguments", number(empty));
    out.line("inputs typed", typed, &of(declared, &empty));
    out.fallbacks(&counts.inputs);
    let Side {
        declared, typed, ..
    } = counts.outputs;
    let undeclared = counts.tools - declared;
    let undeclared = format!("{} tools declare none", number(undeclared));
    out.line("outputs typed", typed, &of(declared, &undeclared));
    out.fallbacks(&counts.outputs);
    let classes: Vec<String> = counts
        .losses_by_class
        .iter()
        .map(|(class, count)| format!("{} {}", number(*count), words(*class)))
        .collect();
    out.line("losses", whole.losses.len(), &classes.join(", "));
    out.wrapped(&most_first(&counts.losses_by_keyword));
    let uncallable = match unvalidated.tools {
        0 => String::new(),
        1 => "; 1 tool cannot be called for its schemas".to_owned(),
        tools => format!(
            "; {} tools cannot be called for their schemas",
            number(tools)
        ),
    };
    out.line(
        "not validated",
        unvalidated.places,
        &match unvalidated.places {
            1 => format!("place that is no JSON Schema{uncallable}"),
            _ => format!("places that are no JSON Schema{uncallable}"),
        },
    );
    out.text(
        "time",
        &format!(
            "{:.0} ms: {:.0} reading, {:.0} modelling, {:.0} printing",
            time_ms.read + time_ms.model + time_ms.print,
            time_ms.read,
            time_ms.model,
            time_ms.print
        ),
    );
    let kilobytes = |bytes: usize| format!("{} kB", number(bytes.div_ceil(1000)));
    out.text(
        "text",
        &format!(
            "from {}: WIT {}, .d.ts {}, Rust {}",
            kilobytes(bytes.source),
            kilobytes(bytes.printed.wit),
            kilobytes(bytes.printed.dts),
            kilobytes(bytes.printed.rust)
        ),
    );
    let untyped = |loss: &&Loss| report::fallback(loss) == Some(Fallback::Untyped);
    let untyped = whole.losses.iter().filter(untyped).map(|loss| {
        let why = format!("{}: {}", plain(&loss.keyword), loss.consequence);
        place(&loss.server, &loss.tool, &loss.pointer, &why)
    });
    out.list("could not type", untyped.collect());
    let left_out = whole.left_out.iter();
    let left_out = left_out.map(|at| place(&at.server, &at.tool, &at.pointer, ""));
    out.list("no JSON Schema, and not validated", left_out.collect());
    let uncallable = whole.uncallable.iter();
    let uncallable = uncallable.map(|tool| place(&tool.server, &tool.tool, "", &tool.why));
    out.list("cannot be called", uncallable.collect());
    out.out
}

fn of(declared: usize, more: &str) -> String {
    format!("of {}; {more}", number(declared))
}

/// A place in a list, with what is to say of it on a line of its own.
fn place(server: &str, tool: &str, pointer: &str, why: &str) -> String {
    let at = format!("  {}/{} {}", plain(server), plain(tool), plain(pointer));
    match why {
        "" => format!("{}\n", at.trim_end()),
        why => format!("{}\n      {}\n", at.trim_end(), terminal::clean(why)),
    }
}

fn places_in_words(places: usize) -> String {
    match places {
        0 => String::new(),
        1 => "at 1 place, given as JSON".to_owned(),
        places => format!("at {} places, given as JSON", number(places)),
    }
}

/// What a person reads of a class.
fn words(class: Class) -> &'static str {
    match class {
        Class::Json => "given as JSON",
        Class::Narrower => "narrower types",
        Class::Checked => "checked at run time",
        Class::Note => "notes",
    }
}

/// `minLength 1,203`, the most frequent first, equal ones by name.
fn most_first(counts: &BTreeMap<String, usize>) -> Vec<String> {
    let mut sorted: Vec<(&String, &usize)> = counts.iter().collect();
    sorted.sort_by_key(|(keyword, count)| (std::cmp::Reverse(**count), *keyword));
    sorted
        .into_iter()
        .map(|(keyword, count)| format!("{} {}", plain(keyword), number(*count)))
        .collect()
}

/// Untrusted text, short and on one line.
fn plain(text: &str) -> String {
    let cleaned = terminal::clean(text).replace('\n', " ");
    if cleaned.chars().count() <= 100 {
        return cleaned;
    }
    cleaned.chars().take(100).chain(['…']).collect()
}

/// With a comma between thousands.
fn number(value: usize) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Lines of a label, a figure and words, aligned.
#[derive(Default)]
struct Table {
    out: String,
}

impl Table {
    const LABEL: usize = 22;
    const FIGURE: usize = 8;
    const WIDTH: usize = 100;

    fn line(&mut self, label: &str, figure: usize, words: &str) {
        self.text(
            label,
            &format!("{:>w$}  {words}", number(figure), w = Self::FIGURE),
        );
    }

    fn text(&mut self, label: &str, text: &str) {
        let (label, text) = (
            terminal::emphasis(&format!("{label:<w$}", w = Self::LABEL)),
            text.trim_end(),
        );
        self.out.push_str(&format!("{label}{text}\n"));
    }

    fn fallbacks(&mut self, side: &Side) {
        let Fallbacks {
            free_form,
            recursive,
            untyped,
        } = side.schemas;
        let places = side.places;
        for (label, schemas, places) in [
            ("  free-form in", free_form, places.free_form),
            ("  recursive in", recursive, places.recursive),
            ("  could not type in", untyped, places.untyped),
        ] {
            self.line(label, schemas, &places_in_words(places));
        }
    }

    /// Items in lines that a terminal shows whole.
    fn wrapped(&mut self, items: &[String]) {
        let indent = Self::LABEL + Self::FIGURE + 2;
        let mut line = String::new();
        for (index, item) in items.iter().enumerate() {
            let comma = if index + 1 < items.len() { ", " } else { "" };
            if !line.is_empty() && indent + line.len() + item.len() > Self::WIDTH {
                self.out
                    .push_str(&format!("{:indent$}{}\n", "", line.trim_end()));
                line.clear();
            }
            line.push_str(item);
            line.push_str(comma);
        }
        if !line.is_empty() {
            self.out.push_str(&format!("{:indent$}{line}\n", ""));
        }
    }

    /// A list under its title, where there is anything to list.
    fn list(&mut self, title: &str, places: Vec<String>) {
        if places.is_empty() {
            return;
        }
        self.out
            .push_str(&format!("\n{}\n", terminal::emphasis(title)));
        self.out.extend(places.iter().take(LISTED).cloned());
        if places.len() > LISTED {
            let more = number(places.len() - LISTED);
            self.out
                .push_str(&format!("  and {more} more: `--json` lists them all\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_by_people() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(number),
            ["0", "999", "1,000", "1,234,567"]
        );
        let counts = BTreeMap::from([
            ("b".to_owned(), 2),
            ("a".to_owned(), 2),
            ("\u{1b}c".to_owned(), 3),
        ]);
        assert_eq!(most_first(&counts), ["\u{fffd}c 3", "a 2", "b 2"]);
        assert_eq!(plain(&"x".repeat(200)).chars().count(), 101);
    }
}
