//! What the compiler says of a program, for a reader who has this program only: nothing twice, no advice that does not
//! apply here, and the next step where it is plain. What may be passed on at all is `compile`'s matter.

use crate::toolchain::Toolchain;

/// The messages without repetitions and without what follows from them. A message is told once for a place and a code: the
/// lines of one macro call are tried in several ways.
pub(super) fn without_noise(messages: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut told: Vec<(String, &str)> = Vec::new();
    for message in split(messages) {
        let head = message.lines().next().unwrap_or_default();
        if is_noise(head) {
            continue;
        }
        let place = message
            .lines()
            .find_map(|line| line.trim().strip_prefix("--> "));
        let code = head.split_once(']').map_or(head, |(code, _)| code);
        if let Some(place) = place {
            let key = (code.to_owned(), place);
            if told.contains(&key) {
                continue;
            }
            told.push(key);
        }
        kept.push(message.trim_end());
    }
    let mut text = kept.join("\n\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// The messages, each from its first line to before the next.
fn split(messages: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in messages.split_inclusive('\n') {
        let begins = ["error", "warning", "Some errors", "For more information"];
        if at > start && begins.iter().any(|begin| line.starts_with(begin)) {
            parts.push(&messages[start..at]);
            start = at;
        }
        at += line.len();
    }
    parts.push(&messages[start..]);
    parts
}

/// Counts of what was told, and commands that nobody here can run.
fn is_noise(head: &str) -> bool {
    head.trim().is_empty()
        || head.starts_with("error: aborting due to")
        || head.starts_with("Some errors have detailed")
        || head.starts_with("For more information about")
        || (head.starts_with("warning: ")
            && (head.ends_with(" warning emitted") || head.ends_with(" warnings emitted")))
}

/// The next step, where the messages show what was meant.
pub(super) fn hint(messages: &str, toolchain: &Toolchain) -> Option<String> {
    let has = |text: &str| messages.contains(text);
    let derived = [
        "cannot find derive macro `Serialize`",
        "cannot find derive macro `Deserialize`",
        "could not find `Serialize` in `serde`",
        "could not find `Deserialize` in `serde`",
        "consider adding `#[derive(serde::",
    ];
    if derived.iter().any(|text| has(text)) {
        return Some(
            "there is no `#[derive(Serialize, Deserialize)]` here; this writes both:\n\
             record! { #[derive(Debug)] struct Contact { id: u64, name: String, phone: Option<String> } }"
                .into(),
        );
    }
    if has("unlinked crate") || has("error[E0463]") {
        let crates: Vec<&str> = toolchain.externs.keys().map(String::as_str).collect();
        let crates = crates.join("`, `");
        return Some(format!(
            "a program can use the crates `mcp`, `{crates}` and `std`, no others"
        ));
    }
    if has("is not a future") && has("program!(") || has("error[E0061]") && has("program!(") {
        return Some("the entry is `async fn run(input: Value) -> Result<Value>`".into());
    }
    if let Some(name) = without_default(messages) {
        return Some(format!(
            "`{name}` requires a value that has no default; give all its fields, or those that are required to `new`: \
             `{name} {{ .., ..{name}::new(..) }}`"
        ));
    }
    if has("Into<Box<dyn std::error::Error>>") || has("`?` couldn't convert the error") {
        return Some(
            "any error, `&str` or `String` becomes the program's error by `?`; say what was being done with \
             `.context(\"..\")?`, end with `bail!(\"..\")`, or make one with `anyhow!(\"..\")`"
                .into(),
        );
    }
    if has("item `new` exists for struct `Box<(dyn std::error::Error") {
        return Some("an error from a message is `anyhow!(\"..\")`".into());
    }
    None
}

/// A type of a tool that has no default where one was asked for.
fn without_default(messages: &str) -> Option<&str> {
    messages.lines().find_map(|line| {
        if let Some(rest) = line.strip_prefix(
            "error[E0599]: no function or associated item named `default` found for struct `",
        ) {
            let (path, _) = rest.split_once('`')?;
            return path.strip_prefix("mcp::")?.rsplit("::").next();
        }
        let line = line.strip_prefix("error[E0277]: the trait bound `mcp::")?;
        let (path, _) = line
            .split_once(": Default` is not satisfied")
            .or_else(|| line.split_once(": std::default::Default` is not satisfied"))?;
        path.rsplit("::").next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_told_twice() {
        let messages = "error[E0277]: the trait bound `String: Into<Error>` is not satisfied\n --> a.rs:3:1\n  |\n\n\
                        error[E0277]: the trait bound `String: Error` is not satisfied\n --> a.rs:3:1\n\n\
                        error[E0277]: another\n --> a.rs:4:1\n\n\
                        error: aborting due to 3 previous errors\n\n\
                        Some errors have detailed explanations: E0277.\n\
                        For more information about an error, try `rustc --explain E0277`.\n";
        assert_eq!(
            without_noise(messages),
            "error[E0277]: the trait bound `String: Into<Error>` is not satisfied\n --> a.rs:3:1\n  |\n\n\
             error[E0277]: another\n --> a.rs:4:1\n"
        );
        assert_eq!(without_noise("warning: 2 warnings emitted\n\n"), "");
        assert_eq!(without_noise(""), "");
    }

    #[test]
    fn a_missing_default_names_its_type() {
        let text =
            "error[E0277]: the trait bound `mcp::git::CreateArgs: Default` is not satisfied\n";
        assert_eq!(without_default(text), Some("CreateArgs"));
        let text = "error[E0599]: no function or associated item named `default` found for struct `mcp::git::CreateArgs` in\n";
        assert_eq!(without_default(text), Some("CreateArgs"));
        assert_eq!(without_default("error[E0277]: other"), None);
    }
}
