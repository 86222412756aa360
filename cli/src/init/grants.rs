//! The text of a first grants file: nothing is granted but the session's own files, and every server has an example that
//! only needs its `#` taken away.

use std::fmt::Write as _;

/// The file for servers with these names.
pub(super) fn first(servers: &[String]) -> String {
    let mut text = String::from(
        "# What programs may call. Nothing is granted that does not stand here: `witgate grants explain PROGRAM` says what\n\
         # this file means for a program.\n\
         \n\
         # The files that a session keeps from one run to the next. They are no server's.\n\
         [[grant]]\n\
         server = \"workspace\"\n\
         tools = [\"*\"]\n",
    );
    if !servers.is_empty() {
        text.push_str(
            "\n# Examples, one for each server that was found. `witgate tools` lists the tools; names may be globs. Further keys:\n\
             # max_calls = 100, rate = \"10/min\", approve = \"each\" (a person is asked), when = \"...\" (a condition in Cedar).\n",
        );
    }
    for name in servers {
        // Whatever it is, it stays on its line, behind the `#`: what JSON escapes, TOML reads.
        let name = serde_json::Value::from(name.as_str())
            .to_string()
            .replace('\u{7f}', "\\u007f");
        let _ = write!(
            text,
            "\n# [[grant]]\n# server = {name}\n# tools = [\"get_*\", \"list_*\", \"read_*\", \"search_*\"]\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_file_is_read_before_and_after_its_examples_are_taken() {
        let names = [
            "git hub".to_owned(),
            "a\n[[grant]]\nserver = \"b\"".to_owned(),
        ];
        let text = first(&names);
        let grants = witgate_host::grants::parse(&text, "grants.toml").unwrap();
        assert_eq!(grants.grants.len(), 1);
        let (head, examples) = text.split_once("# Examples").unwrap();
        let examples = examples.lines().skip(2);
        let taken: Vec<&str> = examples.map(|line| line.trim_start_matches("# ")).collect();
        let taken = format!("{head}{}", taken.join("\n"));
        let grants = witgate_host::grants::parse(&taken, "grants.toml").unwrap();
        assert_eq!(grants.grants.len(), 3, "{taken}");
    }
}
