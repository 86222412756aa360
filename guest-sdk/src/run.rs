//! The frame around a program: its panic hook, its input, its result. It knows no tool.

use std::any::Any;
use std::future::Future;

use serde::Serialize;
use serde_json::Value;

use crate::bindings::ProgramError;
use crate::console;
use crate::error::Error;

/// Runs a program on JSON text and gives JSON text or the error back.
pub async fn run<P, F, T, E>(program: P, input: String) -> Result<String, ProgramError>
where
    P: FnOnce(Value) -> F,
    F: Future<Output = Result<T, E>>,
    T: Serialize,
    E: Into<Error>,
{
    std::panic::set_hook(Box::new(log_panic));
    let result = match serde_json::from_str(&input) {
        Ok(value) => program(value).await.map_err(Into::into),
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
        .map_err(Error::into_raw)
}

/// A panic ends the program with a trap that says nothing; this is its message.
fn log_panic(info: &std::panic::PanicHookInfo<'_>) {
    console::flush();
    let message = payload_text(info.payload());
    match info.location() {
        Some(at) => console::error(format_args!("panic at {at}: {message}")),
        None => console::error(format_args!("panic: {message}")),
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
