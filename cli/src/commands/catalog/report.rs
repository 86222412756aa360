//! `witgate catalog report`: counts over saved `tools/list` answers, for a person or as one JSON object. What is counted is
//! the codegen's matter; here files are read, the clock is asked and the figures are laid out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use witgate_codegen::loss::Loss;
use witgate_codegen::report::{self, Class, Fallback, Fallbacks, Side, Sizes};
use witgate_codegen::server::model_server;

use crate::failure::{Failure, Kind, chain};
use crate::{terminal, workspace};

/// How many places that could not be typed are listed for a person.
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
    /// Print one JSON object, with every loss and a row for each server
    #[arg(long)]
    pub(crate) json: bool,
}

/// Figures of one file, or of all.
#[derive(Default, Serialize)]
struct Figures {
    #[serde(flatten)]
    counts: report::Report,
    bytes: Bytes,
    time_ms: Times,
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

/// A file that could not be reported.
#[derive(Serialize)]
struct Unread {
    file: String,
    message: String,
}

/// All that is printed.
#[derive(Serialize)]
struct Whole {
    servers: usize,
    #[serde(flatten)]
    total: Figures,
    rows: Vec<Row>,
    losses: Vec<Loss>,
    errors: Vec<Unread>,
}

impl Report {
    pub(crate) fn exec(&self) -> Result<(), Failure> {
        let mut hint = None;
        let mut whole = Whole {
            servers: 0,
            total: Figures::default(),
            rows: Vec::new(),
            losses: Vec::new(),
            errors: Vec::new(),
        };
        for file in &self.files {
            match read(file) {
                Ok((row, mut losses)) => {
                    whole.servers += 1;
                    whole.total.add(&row.figures);
                    whole.rows.push(row);
                    whole.losses.append(&mut losses);
                }
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

fn read(file: &Path) -> Result<(Row, Vec<Loss>), Failure> {
    let started = Instant::now();
    let saved = workspace::saved_server(file)?;
    let read = started.elapsed();
    let server = workspace::server_name(file);
    let started = Instant::now();
    let model = model_server(&server, &saved.server).map_err(|e| {
        Failure::new(
            Kind::Configuration,
            format!("`{}`: {}", file.display(), chain(&e)),
        )
    })?;
    let modelled = started.elapsed();
    let started = Instant::now();
    let printed = report::measure(&model);
    let print = started.elapsed();
    let figures = Figures {
        counts: report::report(&model),
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
    Ok((Row { server, figures }, model.losses))
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
    out.untyped(&whole.losses);
    out.out
}

fn of(declared: usize, more: &str) -> String {
    format!("of {}; {more}", number(declared))
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

    fn untyped(&mut self, losses: &[Loss]) {
        let untyped: Vec<&Loss> = losses
            .iter()
            .filter(|loss| report::fallback(loss) == Some(Fallback::Untyped))
            .collect();
        if untyped.is_empty() {
            return;
        }
        self.out
            .push_str(&format!("\n{}\n", terminal::emphasis("could not type")));
        for loss in untyped.iter().take(LISTED) {
            self.out.push_str(&format!(
                "  {}/{} {}\n      {}: {}\n",
                plain(&loss.server),
                plain(&loss.tool),
                plain(&loss.pointer),
                plain(&loss.keyword),
                loss.consequence
            ));
        }
        if untyped.len() > LISTED {
            let more = number(untyped.len() - LISTED);
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
