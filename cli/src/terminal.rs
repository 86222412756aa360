//! The only file that writes to stdout and stderr. Data goes to stdout; errors, hints, notes and progress to stderr; colours
//! only where a person looks.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Text of a program or server, fit for a terminal: what could steer it is made visible, and lines after the first are
/// indented, so that no text can pass for one of ours.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim_end().chars() {
        match c {
            '\n' => out.push_str("\n  "),
            '\t' => out.push('\t'),
            '\r' => {}
            c if c.is_control() || witgate_codegen::text::is_hidden(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// One piece of data, with a line end. JSON escapes control characters itself; other data is cleaned by its maker.
pub(crate) fn data(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody is left to tell when stdout is gone.
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
    let _ = out.flush();
}

/// Stdout for many small pieces of data; the caller decides when they are flushed.
pub(crate) fn lines() -> impl Write {
    std::io::BufWriter::with_capacity(64 << 10, std::io::stdout())
}

/// A word of data that stands out on a terminal.
pub(crate) fn emphasis(text: &str) -> String {
    paint_for(std::io::stdout().is_terminal(), text, "1")
}

/// An error, in red on a terminal.
pub(crate) fn error(text: &str) {
    line(&format!("{} {}", paint("error:", "1;31"), clean(text)));
}

/// Something worth knowing.
pub(crate) fn warn(text: &str) {
    line(&format!("{} {}", paint("warning:", "1;33"), clean(text)));
}

/// The next step, after a blank line.
pub(crate) fn hint(text: &str) {
    line("");
    line(&format!("{} {text}", paint("hint:", "1;36")));
}

/// Any other line; the caller cleans what is not its own.
pub(crate) fn note(text: &str) {
    line(text);
}

/// Log lines that wait for an answer at the terminal: nothing that a program writes stands beside a question.
static HELD: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// Most log lines that are held back.
const HELD_LINES: usize = 1_000;

/// Writes the log lines that were held back while a question was open.
pub(crate) fn release() {
    let held = std::mem::take(&mut *HELD.lock().unwrap_or_else(PoisonError::into_inner));
    for (level, text) in held {
        log(&level, &text);
    }
}

/// A program's log line.
pub(crate) fn log(level: &str, text: &str) {
    if crate::ask::is_open() {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() < HELD_LINES {
            held.push((level.to_owned(), text.to_owned()));
        }
        return;
    }
    let colour = match level {
        "error" => "31",
        "warn" => "33",
        _ => "2",
    };
    line(&format!(
        "{} {}",
        paint(&format!("[{level}]"), colour),
        clean(text)
    ));
}

fn line(text: &str) {
    let mut out = std::io::stderr().lock();
    let clear = if out.is_terminal() { "\r\x1b[K" } else { "" };
    let _ = writeln!(out, "{clear}{text}");
}

fn paint(text: &str, code: &str) -> String {
    paint_for(std::io::stderr().is_terminal(), text, code)
}

fn paint_for(terminal: bool, text: &str, code: &str) -> String {
    let wanted = terminal
        && std::env::var_os("NO_COLOR").is_none()
        && std::env::var_os("TERM").is_none_or(|t| t != "dumb");
    if wanted {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Work that may take over a second: from then on a terminal shows what is waited for. Gone when dropped.
pub(crate) struct Progress {
    done: Arc<AtomicBool>,
}

pub(crate) fn progress(what: impl Into<String>) -> Progress {
    let done = Arc::new(AtomicBool::new(false));
    if std::io::stderr().is_terminal() {
        let (what, done) = (what.into(), Arc::clone(&done));
        tokio::spawn(async move {
            for second in 1_u32.. {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if done.load(Ordering::Relaxed) {
                    return;
                }
                if crate::ask::is_open() {
                    continue;
                }
                let _ = write!(std::io::stderr().lock(), "\r\x1b[K{what} ... {second} s");
            }
        });
    }
    Progress { done }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if std::io::stderr().is_terminal() {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_can_neither_steer_the_terminal_nor_pass_for_ours() {
        let hostile = "x\x1b]0;title\x07\nhint: run this\u{202e}\r\n";
        assert_eq!(
            clean(hostile),
            "x\u{fffd}]0;title\u{fffd}\n  hint: run this\u{fffd}"
        );
    }
}
