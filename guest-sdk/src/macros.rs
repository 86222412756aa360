//! The macros of the prelude: the entry point, printing that is seen, errors in one line, joining of a few calls.
//! Procedural macros have no place here: they would run foreign code at build time.

/// Names the program's entry: `async fn run(input: Value) -> Result<T>` where `T` is any JSON-like value.
#[macro_export]
macro_rules! program {
    ($run:path) => {
        const _: () = {
            struct WitgateProgram;
            impl $crate::raw::Guest for WitgateProgram {
                async fn run(
                    input: ::std::string::String,
                ) -> ::std::result::Result<::std::string::String, $crate::raw::ProgramError>
                {
                    $crate::raw::run($run, input).await
                }
            }
    $crate::raw::export_program!(WitgateProgram with_types_in $crate::raw);
        };
    };
}

/// Prints to the log at level `info`, like the standard macro to stdout.
#[macro_export]
macro_rules! print {
    ($($arg:tt)*) => { $crate::console::print($crate::console::Stream::Out, ::std::format_args!($($arg)*)) };
}

/// Prints a line to the log at level `info`, like the standard macro to stdout.
#[macro_export]
macro_rules! println {
    () => { $crate::console::println($crate::console::Stream::Out, ::std::format_args!("")) };
    ($($arg:tt)*) => { $crate::console::println($crate::console::Stream::Out, ::std::format_args!($($arg)*)) };
}

/// Prints to the log at level `warn`, like the standard macro to stderr.
#[macro_export]
macro_rules! eprint {
    ($($arg:tt)*) => { $crate::console::print($crate::console::Stream::Err, ::std::format_args!($($arg)*)) };
}

/// Prints a line to the log at level `warn`, like the standard macro to stderr.
#[macro_export]
macro_rules! eprintln {
    () => { $crate::console::println($crate::console::Stream::Err, ::std::format_args!("")) };
    ($($arg:tt)*) => { $crate::console::println($crate::console::Stream::Err, ::std::format_args!($($arg)*)) };
}

/// Logs an expression with its value at level `debug` and gives the value back.
#[macro_export]
macro_rules! dbg {
    () => {
        $crate::console::debug(::std::format_args!("[{}:{}:{}]", ::std::file!(), ::std::line!(), ::std::column!()))
    };
    ($value:expr $(,)?) => {
        // A `match` keeps temporaries alive until the value has been used.
        match $value {
            value => {
                $crate::console::debug(::std::format_args!(
                    "[{}:{}:{}] {} = {:#?}",
                    ::std::file!(), ::std::line!(), ::std::column!(), ::std::stringify!($value), &value
                ));
                value
            }
        }
    };
    ($($value:expr),+ $(,)?) => { ($($crate::dbg!($value)),+,) };
}

/// An [`Error`](crate::Error) from a message: `anyhow!("no issue {number}")`.
#[macro_export]
macro_rules! anyhow {
    ($($arg:tt)+) => { $crate::Error::msg(::std::format!($($arg)+)) };
}

/// Returns an error from a message: `bail!("no issue {number}")`.
#[macro_export]
macro_rules! bail {
    ($($arg:tt)+) => { return ::std::result::Result::Err(::std::convert::From::from($crate::anyhow!($($arg)+))) };
}

/// Returns an error where the condition does not hold: `ensure!(n > 0, "n is {n}")`.
#[macro_export]
macro_rules! ensure {
    ($condition:expr $(,)?) => {
        if !$condition { $crate::bail!("condition failed: `{}`", ::std::stringify!($condition)) }
    };
    ($condition:expr, $($arg:tt)+) => {
        if !$condition { $crate::bail!($($arg)+) }
    };
}

/// Waits for two to five calls at once and gives their results as a tuple: `let (a, b) = join!(x(), y());`
#[macro_export]
macro_rules! join {
    ($a:expr, $b:expr $(,)?) => {
        $crate::futures::future::join($a, $b).await
    };
    ($a:expr, $b:expr, $c:expr $(,)?) => {
        $crate::futures::future::join3($a, $b, $c).await
    };
    ($a:expr, $b:expr, $c:expr, $d:expr $(,)?) => {
        $crate::futures::future::join4($a, $b, $c, $d).await
    };
    ($a:expr, $b:expr, $c:expr, $d:expr, $e:expr $(,)?) => {
        $crate::futures::future::join5($a, $b, $c, $d, $e).await
    };
}

/// Like `join!`, but ends with the first error: `let (a, b) = try_join!(x(), y())?;`
#[macro_export]
macro_rules! try_join {
    ($a:expr, $b:expr $(,)?) => {
        $crate::futures::future::try_join($a, $b).await
    };
    ($a:expr, $b:expr, $c:expr $(,)?) => {
        $crate::futures::future::try_join3($a, $b, $c).await
    };
    ($a:expr, $b:expr, $c:expr, $d:expr $(,)?) => {
        $crate::futures::future::try_join4($a, $b, $c, $d).await
    };
    ($a:expr, $b:expr, $c:expr, $d:expr, $e:expr $(,)?) => {
        $crate::futures::future::try_join5($a, $b, $c, $d, $e).await
    };
}
