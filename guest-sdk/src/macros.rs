//! The macros of the prelude: the entry point, printing that is seen, errors in one line, joining of a few calls.
//! Procedural macros have no place here: they would run foreign code at build time.

/// Names the program's entry: `async fn run(input: Value) -> Result<T>` where `T` is any JSON-like value. The input may
/// also have a type of its own (`record!`).
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

/// Structs that are read from JSON and written to it, in place of `#[derive(Serialize, Deserialize)]`:
/// `record! { struct Contact { id: u64, name: String, phone: Option<String> } }`. A key that is absent is `None` where the
/// type has it, else an error; other keys are passed over. `"wire name" => name: T` gives a field another key.
#[macro_export]
macro_rules! record {
    ($($(#[$attribute:meta])* $visible:vis struct $name:ident {
        $($(#[$note:meta])* $($key:literal =>)? $shown:vis $field:ident : $ty:ty),* $(,)?
    })*) => {$(
        $(#[$attribute])*
        $visible struct $name { $($(#[$note])* $shown $field: $ty),* }

        impl $crate::raw::serde::Serialize for $name {
            fn serialize<S: $crate::raw::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                let mut map = $crate::raw::serde::Serializer::serialize_map(serializer, ::std::option::Option::None)?;
                $($crate::raw::serde::ser::SerializeMap::serialize_entry(
                    &mut map, $crate::raw::key(&[$($key,)? ::std::stringify!($field)]), &self.$field,
                )?;)*
                $crate::raw::serde::ser::SerializeMap::end(map)
            }
        }

        impl<'de> $crate::raw::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::raw::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                #[allow(unused_mut)]
                let mut object = $crate::raw::object(deserializer, ::std::stringify!($name))?;
                ::std::result::Result::Ok(Self {
                    $($field: object.field($crate::raw::key(&[$($key,)? ::std::stringify!($field)]))?,)*
                })
            }
        }
    )*};
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
    ($($arg:tt)+) => { $crate::Error::from(::std::format!($($arg)+)) };
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    record! {
        #[derive(Debug, PartialEq)]
        struct Contact { id: u64, "e-mail" => mail: Option<String>, r#type: String }
        #[derive(Debug, PartialEq)]
        struct Page { contacts: Vec<Contact> }
    }

    #[test]
    fn records_are_read_and_written() {
        let value = json!({"contacts": [{"id": 1, "e-mail": "a@b", "type": "x"}]});
        let page: Page = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(page.contacts[0].mail.as_deref(), Some("a@b"));
        assert_eq!(serde_json::to_value(&page).unwrap(), value);
        let short: Contact = serde_json::from_str(r#"{"id": 2, "type": "y", "more": 1}"#).unwrap();
        assert_eq!(short.mail, None);
        let error = serde_json::from_value::<Page>(json!({"contacts": [{"type": "x"}]}));
        assert_eq!(
            error.unwrap_err().to_string(),
            "`contacts` of `Page`: `Contact` misses its field `id`"
        );
    }
}
