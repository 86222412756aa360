//! Approvals at the terminal: shows a question on `/dev/tty` and reads the answer there, as stdin may be the program's input.
//! What a program or server wrote is shown by the host's `show`; here are the prompt and what a person may type.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal as _, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use witgate_host::approval::show::{self, Extent};
use witgate_host::approval::{Answer, AskError, Asker, Asking, Bounds, Question, numbers};

/// Items of a tool, and characters of each, that are shown without being asked for.
const ITEMS: usize = 20;
const CHARACTERS: usize = 200;
/// How long is waited for lines that were typed before a question was there.
const TYPED_AHEAD: Duration = Duration::from_millis(50);

static OPEN: AtomicBool = AtomicBool::new(false);

/// Whether a question is on the terminal: nothing else should then draw on it.
pub(crate) fn is_open() -> bool {
    OPEN.load(Ordering::Relaxed)
}

/// Asks at the terminal, one question at a time.
pub(crate) struct Terminal {
    tty: Mutex<Tty>,
}

struct Tty {
    out: File,
    /// What is typed, from the first question on: a read in the background would stop a job that needs none.
    lines: Option<UnboundedReceiver<Typed>>,
}

/// What came from the terminal.
#[derive(Debug)]
enum Typed {
    Line(String),
    /// Its end, or a failure.
    End,
}

impl Terminal {
    /// The person's terminal; none where nobody looks at it.
    pub(crate) fn open() -> Option<Terminal> {
        let out = File::options()
            .read(true)
            .write(true)
            .open("/dev/tty")
            .ok()?;
        (std::io::stderr().is_terminal() && out.is_terminal()).then(|| Terminal {
            tty: Mutex::new(Tty { out, lines: None }),
        })
    }
}

impl Asker for Terminal {
    fn ask<'a>(&'a self, question: &'a Question) -> Asking<'a> {
        Box::pin(async move {
            let mut tty = self.tty.lock().await;
            let failed = |e: std::io::Error| AskError::Unavailable(format!("the terminal: {e}"));
            let Tty { out, lines } = &mut *tty;
            let lines = match lines {
                Some(lines) => lines,
                None => lines.insert(read_lines(out.try_clone().map_err(failed)?)),
            };
            let _open = Opened::new(out.try_clone().map_err(failed)?);
            // A yes is one only if it was typed with the question in sight.
            tokio::time::sleep(TYPED_AHEAD).await;
            while lines.try_recv().is_ok() {}
            converse(question, out, lines).await.map_err(failed)
        })
    }
}

/// A question on the terminal. Where it is withdrawn, its prompt does not stay as if it waited.
struct Opened {
    out: File,
}

impl Opened {
    fn new(out: File) -> Opened {
        OPEN.store(true, Ordering::Relaxed);
        Opened { out }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if OPEN.swap(false, Ordering::Relaxed) {
            // Nobody is left to tell when the terminal is gone.
            let _ = writeln!(self.out, "\r\x1b[K(question closed)");
        }
        crate::terminal::release();
    }
}

/// Reads lines as long as there is a terminal, in a thread that ends with the process: a read of a terminal cannot be
/// cancelled. What is typed while nothing is asked is read too, so that it answers nothing later.
fn read_lines(tty: File) -> UnboundedReceiver<Typed> {
    let (sender, lines) = unbounded_channel();
    std::thread::spawn(move || send_lines(BufReader::new(tty), &sender));
    lines
}

fn send_lines(mut tty: impl BufRead, lines: &UnboundedSender<Typed>) {
    // A terminal that is gone ends without end; Ctrl-D can be typed again.
    let mut ends = 0;
    while ends < 100 && !lines.is_closed() {
        let mut line = Vec::new();
        let typed = match tty.read_until(b'\n', &mut line) {
            Ok(0) => {
                ends += 1;
                std::thread::sleep(Duration::from_millis(20));
                Typed::End
            }
            Ok(_) => {
                ends = 0;
                Typed::Line(String::from_utf8_lossy(&line).into_owned())
            }
            Err(_) => {
                let _ = lines.send(Typed::End);
                return;
            }
        };
        let _ = lines.send(typed);
    }
}

/// Shows the question and reads until there is an answer. The end of the input is no.
async fn converse(
    question: &Question,
    out: &mut (impl Write + Send),
    lines: &mut UnboundedReceiver<Typed>,
) -> std::io::Result<Vec<Answer>> {
    let count = question.items.len();
    let mut text = show::question(question, &extent(ITEMS, CHARACTERS));
    text.insert(0, String::new());
    loop {
        for line in &text {
            writeln!(out, "{line}")?;
        }
        write!(out, "\n{}\n> ", prompt(count))?;
        out.flush()?;
        let said = match lines.recv().await {
            Some(Typed::Line(line)) => parse(&line, question),
            Some(Typed::End) | None => Said::Answers {
                answers: deny(count, "nobody answered at the terminal"),
                told: "denied".to_owned(),
            },
        };
        text = match said {
            Said::Answers { answers, told } => {
                writeln!(out, "{told}")?;
                OPEN.store(false, Ordering::Relaxed);
                return Ok(answers);
            }
            Said::ListAll => show::question(question, &extent(usize::MAX, CHARACTERS)),
            Said::Show(position) => show::item(question, position, &extent(1, usize::MAX)),
            Said::Help => HELP.lines().map(str::to_owned).collect(),
            Said::Unclear(why) => vec![why],
        };
    }
}

fn extent(items: usize, characters: usize) -> Extent<'static> {
    Extent {
        items,
        characters,
        rest: "type l to list them all",
        whole: &|number| format!("type l {number} to see it whole"),
    }
}

fn prompt(count: usize) -> String {
    let all = match count {
        1 => "Approve it?".to_owned(),
        n => format!("Approve all {n}?"),
    };
    format!("{all} [y]es  [n]o  [n 1,4] not these  [a N] and N more  [l]ist  [?]")
}

const HELP: &str = "
  y               approve every call above
  n REASON        deny them all; the program is told the reason, if you give one
  n 1,4-6 REASON  deny these and approve the others
  a 20            approve them, and in this run up to 20 further calls of each of these tools
                  without being asked, as long as no new reason to ask comes up
  l               list every call
  l 3             show call 3 whole
Ctrl-D denies; Ctrl-C ends the run, and nothing is called.";

#[derive(Debug, PartialEq)]
enum Said {
    Answers {
        answers: Vec<Answer>,
        /// What the person is told that it means.
        told: String,
    },
    ListAll,
    /// By position.
    Show(usize),
    Help,
    /// Why it is no answer.
    Unclear(String),
}

/// What a line means. Nothing but a clear yes approves.
fn parse(line: &str, question: &Question) -> Said {
    let count = question.items.len();
    let unclear = || Said::Unclear("that is no answer; ? shows what is".to_owned());
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    match (word.to_ascii_lowercase().as_str(), rest) {
        ("y" | "yes", "") => Said::Answers {
            answers: vec![Answer::Yes; count],
            told: format!("approved {}", calls(count)),
        },
        ("n" | "no", rest) => refuse(rest, count),
        ("a", number) => match number.parse::<u64>() {
            Ok(more) if more > 0 => Said::Answers {
                answers: within(question, 0..count, more),
                told: format!(
                    "approved {}, and up to {more} more of each tool in this run",
                    calls(count)
                ),
            },
            _ => Said::Unclear("say how many more, for example a 20".to_owned()),
        },
        ("l" | "list", "") => Said::ListAll,
        ("l" | "list", number) => match numbers::parse(number, count) {
            Ok(found) if found.len() == 1 => {
                found.first().map_or(Said::ListAll, |p| Said::Show(*p))
            }
            Ok(_) => Said::Unclear("one number at a time, for example l 3".to_owned()),
            Err(why) => Said::Unclear(why),
        },
        ("?" | "h" | "help", "") => Said::Help,
        _ => unclear(),
    }
}

/// `REASON`, or `1,4-6 REASON`: what starts with a digit is a list.
fn refuse(rest: &str, count: usize) -> Said {
    if !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return Said::Answers {
            answers: deny(count, rest),
            told: format!("denied {}", calls(count)),
        };
    }
    // A space after a comma does not end the list.
    let mut end = rest.len();
    let mut last = ',';
    for (at, c) in rest.char_indices() {
        if c.is_whitespace() {
            if last != ',' {
                end = at;
                break;
            }
        } else {
            last = c;
        }
    }
    let (list, reason) = rest.split_at(end);
    match numbers::parse(list, count) {
        Ok(denied) => {
            let left = count - denied.len();
            Said::Answers {
                answers: (0..count)
                    .map(|position| match denied.contains(&position) {
                        true => no(reason.trim()),
                        false => Answer::Yes,
                    })
                    .collect(),
                told: format!(
                    "denied {}; approved {}",
                    numbers::write(&denied),
                    calls(left)
                ),
            }
        }
        Err(why) => Said::Unclear(why),
    }
}

/// Yes to the items at these positions, and to so many more calls of each of their tools.
pub(crate) fn within(
    question: &Question,
    positions: impl IntoIterator<Item = usize>,
    more: u64,
) -> Vec<Answer> {
    let mut tools: Vec<(&str, &str)> = Vec::new();
    let items = positions.into_iter().filter_map(|p| question.items.get(p));
    items
        .map(|item| {
            let tool = (item.server.as_str(), item.tool.as_str());
            if tools.contains(&tool) {
                return Answer::Yes;
            }
            tools.push(tool);
            Answer::YesWithin(Bounds {
                calls: more,
                same: Vec::new(),
            })
        })
        .collect()
}

/// `1 call`, `2 calls`.
pub(crate) fn calls(count: usize) -> String {
    match count {
        1 => "1 call".to_owned(),
        n => format!("{n} calls"),
    }
}

fn deny(count: usize, reason: &str) -> Vec<Answer> {
    vec![no(reason); count]
}

fn no(reason: &str) -> Answer {
    Answer::No {
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;
