//! The frame around a program: its panic hook, its input, its result. It knows no tool.

use std::any::Any;
use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::ProgramError;
use crate::console;
use crate::error::{Error, ErrorExt as _};

/// Runs a program on JSON text and gives JSON text or the error back. The input is what the program takes: a `Value`, or
/// a type of its own that can be read from JSON.
pub async fn run<P, I, F, T, E>(program: P, input: String) -> Result<String, ProgramError>
where
    P: FnOnce(I) -> F,
    I: DeserializeOwned,
    F: Future<Output = Result<T, E>>,
    T: Serialize,
    E: Into<Error>,
{
    std::panic::set_hook(Box::new(log_panic));
    let result = match serde_json::from_str(&input) {
        Ok(value) => program(value).await.map_err(crate::error::from_own),
        Err(error) => Err(Error::from(error)
            .context("the input cannot be read")
            .named("InputError")),
    };
    console::flush();
    result
        .and_then(|value| {
            crate::json::text(&value).map_err(|error| {
                Error::from(error)
                    .context("the result has no JSON form")
                    .named("ResultError")
            })
        })
        .map_err(crate::error::into_raw)
}

/// A panic ends the program with a trap that says nothing; this is its message.
fn log_panic(info: &std::panic::PanicHookInfo<'_>) {
    console::flush();
    let message = payload_text(info.payload());
    if message.contains("inter-task-wakeup") {
        console::error(
            "panic at an `.await`: the program waits for something that never happens: no call, sleep or other part of \
             it will wake it",
        );
        return;
    }
    let file = info.location().map_or("", |at| at.file());
    let way_out = way_out(message, file)
        .map(|text| format!("\nhint: {text}"))
        .unwrap_or_default();
    match info.location() {
        Some(at) => console::error(format_args!("panic at {at}: {message}{way_out}")),
        None => console::error(format_args!("panic: {message}{way_out}")),
    }
}

/// What to write in place of what this target does not have. The standard library's own place in the message names no
/// line of the program.
fn way_out(message: &str, file: &str) -> Option<&'static str> {
    if message.contains("time not implemented") {
        Some(
            "`Instant::now` and `SystemTime::now` do not work here; `clock::now()` gives the milliseconds since 1970",
        )
    } else if message.contains("can't sleep") {
        Some("`std::thread::sleep` does not work here; write `clock::sleep_ms(100).await`")
    } else if message.contains("failed to spawn thread") {
        Some("there are no threads here; `join_all(calls).await` makes calls at the same time")
    } else if file.contains("/sys/") && file.contains("no_threads") {
        Some("there is one thread only, and it already holds this lock")
    } else {
        None
    }
}

fn payload_text(payload: &dyn Any) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "of unknown type"
    }
}

#[cfg(test)]
mod tests {
    use super::way_out;

    #[test]
    fn what_this_target_lacks_comes_with_a_way_out() {
        let std = "/rustc/0/library/std/src/sys/time/unsupported.rs";
        let hint = |message| way_out(message, std).unwrap();
        assert!(hint("time not implemented on this platform").contains("clock::now()"));
        assert!(hint("can't sleep").contains("clock::sleep_ms"));
        assert!(hint("failed to spawn thread: Error").contains("join_all"));
        assert_eq!(way_out("index out of bounds", "program.rs"), None);
    }
}
