//! The prelude of one program: the import lines of its world, the table of its tools, the core, and those pieces of the web
//! platform that the program's text mentions. Pieces cost time at every start, so what is not mentioned is left out.

use std::sync::OnceLock;

use witgate_codegen::model::{ServerModel, ToolModel};
use witgate_codegen::names::camel_case;
use witgate_codegen::select::{self, View};

const CORE: &str = include_str!("../../../guest-sdk/js/core.js");
/// What the core evaluates when it needs it: an expression.
const REST: &str = include_str!("../../../guest-sdk/js/core/rest.js");
/// For programs that mention it; unlike the pieces, it shares the names of the core.
const CONSOLE: &str = include_str!("../../../guest-sdk/js/core/console.js");

/// In the order in which they can be evaluated; each says in its first line what it provides and needs.
const PIECES: [(&str, &str); 7] = [
    (
        "exception",
        include_str!("../../../guest-sdk/js/exception.js"),
    ),
    ("text", include_str!("../../../guest-sdk/js/text.js")),
    ("url", include_str!("../../../guest-sdk/js/url.js")),
    ("timers", include_str!("../../../guest-sdk/js/timers.js")),
    ("clone", include_str!("../../../guest-sdk/js/clone.js")),
    ("abort", include_str!("../../../guest-sdk/js/abort.js")),
    ("crypto", include_str!("../../../guest-sdk/js/crypto.js")),
];

/// The module that the engine evaluates before the program.
pub(crate) fn shim(selection: &[(&ServerModel, Vec<&ToolModel>)], program: &str) -> String {
    let mut out = String::with_capacity(CORE.len() + 1024);
    for interface in ["console", "clock", "random"] {
        out.push_str(&format!(
            "import $witgate_{interface} from \"witgate:runtime/{interface}@0.1.0\";\n"
        ));
    }
    let mut tables = String::new();
    for (index, (server, tools)) in selection.iter().enumerate() {
        out.push_str(&format!(
            "import $witgate_server{index} from {};\n",
            quote(&select::interface_name(server, View::Json))
        ));
        tables.push_str(&format!("{}: [", quote(&server.package)));
        for tool in tools {
            let shown = format!("{}/{}", server.server, tool.tool);
            tables.push_str(&format!(
                "[{}, $witgate_server{index}.{}, {}],",
                quote(&shown),
                camel_case(&tool.wit),
                quote(&tool.tool),
            ));
        }
        tables.push_str("],");
    }
    out.push_str(
        "const contract = {console: $witgate_console, clock: $witgate_clock, random: $witgate_random};\n",
    );
    out.push_str(&format!("const tools = {{__proto__: null, {tables}}};\n"));
    out.push_str(core());
    if mentions(program, "console") {
        out.push_str(console());
    }
    for (_, piece) in wanted(program) {
        out.push('\n');
        out.push_str(piece);
    }
    out
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A file of the core without comments and indentation, which the engine would read at every start. None of them has a string
/// that goes over lines.
fn shrink(text: &str) -> String {
    let lines = text.lines().map(str::trim_start);
    let code: Vec<&str> = lines
        .filter(|line| !line.starts_with("//") && !line.starts_with("/*"))
        .collect();
    code.join("\n")
}

/// The core as it is evaluated: the rest as a string literal before it.
fn core() -> &'static str {
    static SMALL: OnceLock<String> = OnceLock::new();
    SMALL.get_or_init(|| format!("const rest = {};\n{}\n", quote(&shrink(REST)), shrink(CORE)))
}

fn console() -> &'static str {
    static SMALL: OnceLock<String> = OnceLock::new();
    SMALL.get_or_init(|| shrink(CONSOLE))
}

/// The pieces whose names the program mentions, with what they need.
fn wanted(program: &str) -> Vec<&'static (&'static str, &'static str)> {
    let mut chosen = [false; PIECES.len()];
    // A piece only needs pieces before it, so one pass from the back finds all.
    for (index, (name, text)) in PIECES.iter().enumerate().rev() {
        let header = text.lines().next().unwrap_or("");
        let (provides, _) = halves(header);
        let mentioned = provides.split(',').any(|p| mentions(program, p.trim()));
        let needed = PIECES.iter().zip(&chosen).any(|((_, other), chosen)| {
            *chosen && {
                let (_, needs) = halves(other.lines().next().unwrap_or(""));
                needs.split(',').any(|n| n.trim() == *name)
            }
        });
        chosen[index] = mentioned || needed;
    }
    PIECES
        .iter()
        .zip(chosen)
        .filter_map(|(piece, chosen)| chosen.then_some(piece))
        .collect()
}

/// `// provides: A, B; needs: x` -> (`A, B`, `x`).
fn halves(header: &str) -> (&str, &str) {
    let body = header.strip_prefix("// provides:").unwrap_or("");
    body.split_once("; needs:").unwrap_or((body, ""))
}

/// Whether a text holds a name as a word of its own.
fn mentions(text: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            !text[..at].chars().next_back().is_some_and(word)
                && !text[at + name.len()..].chars().next().is_some_and(word)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mentioned_pieces_and_what_they_need_are_taken() {
        let names = |program: &str| -> Vec<&str> { wanted(program).iter().map(|p| p.0).collect() };
        assert!(names("return input.length").is_empty());
        assert!(names("myURL.x; URLs").is_empty());
        assert_eq!(names("new URL(x)"), ["exception", "text", "url"]);
        assert_eq!(names("setTimeout(f, 1)"), ["timers"]);
    }
}
