//! Log lines. They reach the person's stderr, never the result. `print!` is held back until its line ends or the
//! program does.

use std::cell::RefCell;
use std::fmt;

pub use crate::bindings::witgate::runtime::console::Level;
use crate::bindings::witgate::runtime::console::log as host_log;

thread_local! {
    /// The unfinished lines of `print!` and `eprint!`.
    static UNFINISHED: RefCell<[String; 2]> = const { RefCell::new([String::new(), String::new()]) };
}

/// Where a printed text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// `print!` and `println!`: logged as `info`.
    Out,
    /// `eprint!` and `eprintln!`: logged as `warn`.
    Err,
}

impl Stream {
    fn level(self) -> Level {
        match self {
            Stream::Out => Level::Info,
            Stream::Err => Level::Warn,
        }
    }
}

/// One log line (a message with line breaks is kept as one).
pub fn log(level: Level, message: impl fmt::Display) {
    host_log(level, &message.to_string());
}

/// One log line at level `debug`.
pub fn debug(message: impl fmt::Display) {
    log(Level::Debug, message);
}

/// One log line at level `info`.
pub fn info(message: impl fmt::Display) {
    log(Level::Info, message);
}

/// One log line at level `warn`.
pub fn warn(message: impl fmt::Display) {
    log(Level::Warn, message);
}

/// One log line at level `error`.
pub fn error(message: impl fmt::Display) {
    log(Level::Error, message);
}

/// What `print!` does: logs up to the last line break, keeps the rest for the next call.
pub fn print(stream: Stream, text: fmt::Arguments<'_>) {
    // The text is made before the buffer is borrowed: a `Display` may print itself.
    let text = text.to_string();
    let whole = UNFINISHED.with_borrow_mut(|unfinished| {
        let line = &mut unfinished[stream as usize];
        line.push_str(&text);
        let end = line.rfind('\n')?;
        let rest = line.split_off(end + 1);
        line.truncate(end);
        Some(std::mem::replace(line, rest))
    });
    if let Some(whole) = whole {
        host_log(stream.level(), &whole);
    }
}

/// What `println!` does: like `print`, and the line ends here.
pub fn println(stream: Stream, text: fmt::Arguments<'_>) {
    let text = text.to_string();
    let started =
        UNFINISHED.with_borrow_mut(|unfinished| std::mem::take(&mut unfinished[stream as usize]));
    if started.is_empty() {
        host_log(stream.level(), &text);
    } else {
        host_log(stream.level(), &(started + &text));
    }
}

/// Logs the lines that `print!` has begun and nothing has ended.
pub fn flush() {
    for stream in [Stream::Out, Stream::Err] {
        let line = UNFINISHED
            .try_with(|unfinished| match unfinished.try_borrow_mut() {
                Ok(mut unfinished) => std::mem::take(&mut unfinished[stream as usize]),
                // A panic inside `print` itself: its half line is lost, its message is not.
                Err(_) => String::new(),
            })
            .unwrap_or_default();
        if !line.is_empty() {
            host_log(stream.level(), &line);
        }
    }
}
