//! `${...}` in a client's entry -> the same in witgate's configuration, where witgate can say the same. What a text without
//! them means is not looked at.

use std::path::Path;

use super::client::Syntax;

/// Names that witgate gives a meaning of its own.
const OWN: [&str; 5] = [
    "workspaceFolder",
    "workspaceFolderBasename",
    "userHome",
    "pathSeparator",
    "/",
];
/// The folder that Claude Code has open; it gives this variable to the servers it starts, and the other clients do not.
const CLAUDE_FOLDER: &str = "CLAUDE_PROJECT_DIR";

/// The folder that a client has open when it reads the file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Open<'a> {
    /// That of witgate's configuration: witgate calls it `${workspaceFolder}` too.
    Here,
    /// This one.
    At(&'a Path),
    /// Any.
    Any,
}

/// The text as witgate has to read it; else why there is none, one clause.
pub(super) fn translate(text: &str, syntax: Syntax, open: Open<'_>) -> Result<String, String> {
    if syntax == Syntax::Plain && text.contains("${") {
        return Err(
            "holds a `${` that stands for itself there, and witgate would expand it".to_owned(),
        );
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        out.push_str(&rest[..start]);
        let inner = &rest[start + 2..];
        let end = inner
            .find('}')
            .ok_or("holds a `${` without its `}`, which witgate does not read")?;
        let reference = &inner[..end];
        out.push_str(&match syntax {
            Syntax::Shell => shell(reference, open),
            Syntax::Editor | Syntax::Plain => editor(reference, open),
        }?);
        rest = &inner[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn shell(reference: &str, open: Open<'_>) -> Result<String, String> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    if name == CLAUDE_FOLDER {
        return folder("workspaceFolder", open);
    }
    if OWN.contains(&name) || !is_name(name) {
        return Err(foreign(name));
    }
    Ok(match default {
        Some(default) => format!("${{{name}:-{default}}}"),
        None => format!("${{{name}}}"),
    })
}

fn editor(reference: &str, open: Open<'_>) -> Result<String, String> {
    if let Some(name) = reference.strip_prefix("env:").filter(|name| is_name(name)) {
        return Ok(format!("${{{name}}}"));
    }
    match reference {
        "workspaceFolder" | "workspaceFolderBasename" => folder(reference, open),
        "userHome" | "pathSeparator" | "/" => Ok(format!("${{{reference}}}")),
        _ if reference.starts_with("input:") => Err("asks the person for an input".to_owned()),
        _ => Err(foreign(reference)),
    }
}

fn folder(name: &str, open: Open<'_>) -> Result<String, String> {
    match open {
        Open::Here => Ok(format!("${{{name}}}")),
        Open::At(path) if name == "workspaceFolder" => Ok(path.to_string_lossy().into_owned()),
        Open::At(path) => Ok(path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()),
        Open::Any => {
            Err("speaks of the folder that the client has open, which may be any".to_owned())
        }
    }
}

/// Only a name is told: what else stands between the braces may be a secret.
fn foreign(reference: &str) -> String {
    let tellable = |c: char| c.is_ascii_alphanumeric() || "_:.".contains(c);
    if reference.len() <= 40 && !reference.is_empty() && reference.chars().all(tellable) {
        format!("holds `${{{reference}}}`, which means something else to witgate or nothing")
    } else {
        "holds a `${...}` that means something else to witgate or nothing".to_owned()
    }
}

pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The variables of the environment that witgate needs for this text.
pub(super) fn needed(text: &str, found: &mut Vec<String>) {
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let inner = &rest[start + 2..];
        let Some(end) = inner.find('}') else { return };
        let reference = &inner[..end];
        let name = reference.strip_prefix("env:").unwrap_or(reference);
        let name = name.split(":-").next().unwrap_or(name);
        if is_name(name) && !OWN.contains(&name) && !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
        rest = &inner[end + 1..];
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_both_can_say_is_said() {
        let at = Path::new("/home/ann/p");
        for (syntax, open, text, wanted) in [
            (
                Syntax::Shell,
                Open::Any,
                "a ${B} ${C:-d e}",
                "a ${B} ${C:-d e}",
            ),
            (
                Syntax::Shell,
                Open::Here,
                "${CLAUDE_PROJECT_DIR:-.}/x",
                "${workspaceFolder}/x",
            ),
            (
                Syntax::Shell,
                Open::At(at),
                "${CLAUDE_PROJECT_DIR}/x",
                "/home/ann/p/x",
            ),
            (
                Syntax::Editor,
                Open::Any,
                "Bearer ${env:TOKEN}",
                "Bearer ${TOKEN}",
            ),
            (
                Syntax::Editor,
                Open::Any,
                "${userHome}${/}x",
                "${userHome}${/}x",
            ),
            (
                Syntax::Editor,
                Open::Here,
                "${workspaceFolder}/x",
                "${workspaceFolder}/x",
            ),
            (
                Syntax::Editor,
                Open::At(at),
                "${workspaceFolderBasename}",
                "p",
            ),
            (Syntax::Plain, Open::Any, "$5 {x} }", "$5 {x} }"),
        ] {
            assert_eq!(translate(text, syntax, open).unwrap(), wanted);
        }
    }

    #[test]
    fn what_witgate_would_read_otherwise_is_not_translated() {
        for (syntax, open, text, why) in [
            (
                Syntax::Shell,
                Open::Any,
                "${CLAUDE_PROJECT_DIR}",
                "folder that the client has open",
            ),
            (
                Syntax::Shell,
                Open::Here,
                "${userHome}",
                "holds `${userHome}`",
            ),
            (Syntax::Shell, Open::Here, "${env:A}", "holds `${env:A}`"),
            (
                Syntax::Shell,
                Open::Here,
                "${a b=secret}",
                "holds a `${...}`",
            ),
            (Syntax::Shell, Open::Here, "${A", "without its `}`"),
            (Syntax::Editor, Open::Here, "${cwd}", "holds `${cwd}`"),
            (Syntax::Editor, Open::Here, "${TOKEN}", "holds `${TOKEN}`"),
            (
                Syntax::Editor,
                Open::Here,
                "${input:key}",
                "asks the person",
            ),
            (
                Syntax::Editor,
                Open::Any,
                "${workspaceFolder}",
                "folder that the client has open",
            ),
            (Syntax::Plain, Open::Here, "${HOME}", "stands for itself"),
        ] {
            let error = translate(text, syntax, open).unwrap_err();
            assert!(
                error.contains(why) && !error.contains("secret"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn the_variables_that_are_needed() {
        let mut found = Vec::new();
        needed("${A}/${workspaceFolder}/${B:-${A}}${env:C}", &mut found);
        assert_eq!(found, ["A", "B", "C"]);
    }
}
