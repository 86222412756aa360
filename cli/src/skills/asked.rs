//! The tools that a skill calls, as its import section has them, held against what it says of itself. Nothing else decides
//! what a skill can do; its manifest and its source are only words.

use witgate_codegen::built::BuiltAgainst;
use witgate_codegen::names::{kebab, key};
use witgate_codegen::server::package_name;
use witgate_codegen::text::shown;
use witgate_host::imports::{ENGINE_PREFIX, RUNTIME};
use witgate_host::outline::Outline;
use witgate_host::sections::built_against;

use super::Skill;

/// What a component asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// `server/tool`, by the server's package; the tool's own name where the component says it and it fits the import, else
    /// the import's. Sorted.
    pub(crate) tools: Vec<String>,
    /// Imports that are neither tools nor the runtime contract: no host links them.
    pub(crate) foreign: Vec<String>,
    /// Of `tools`, those that the manifest leaves out.
    pub(crate) unsaid: Vec<String>,
    /// Tools that the manifest names and the component does not import.
    pub(crate) unused: Vec<String>,
}

impl Asked {
    /// Whether the manifest says what the component imports.
    pub(crate) fn is_as_said(&self) -> bool {
        self.unsaid.is_empty() && self.unused.is_empty()
    }
}

/// What a skill's component asks for.
pub(crate) fn asked(skill: &Skill) -> Asked {
    asked_of(&skill.component, &skill.outline, &skill.manifest.tools)
}

/// What a component asks for, held against tools that it is said to call.
pub(crate) fn asked_of(component: &[u8], outline: &Outline, said: &[String]) -> Asked {
    // A section that cannot be read says no names.
    let built = built_against(component).ok().flatten();
    compare(outline, built.as_ref(), said)
}

struct Import {
    package: String,
    function: String,
    /// `package/tool`.
    shown: String,
}

fn compare(outline: &Outline, built: Option<&BuiltAgainst>, said: &[String]) -> Asked {
    let mut asked = Asked::default();
    let mut imports: Vec<Import> = Vec::new();
    for import in &outline.imports {
        let name = import.name.as_str();
        if import.is_type || RUNTIME.contains(&name) || name.starts_with(ENGINE_PREFIX) {
            continue;
        }
        let tools = name
            .strip_prefix("mcp:")
            .and_then(|rest| rest.split_once('/'));
        let Some((package, "tools" | "json")) = tools.filter(|_| import.is_interface) else {
            asked.foreign.push(shown(name));
            continue;
        };
        for function in &import.functions {
            let named = built.and_then(|built| built.get(name, function));
            let tool = match named {
                // Exactly: with a number left out it would be the name of another tool.
                Some(built) if kebab(&built.tool, "tool") == *function => &built.tool,
                _ => function,
            };
            imports.push(Import {
                package: package.to_owned(),
                function: function.clone(),
                shown: format!("{package}/{}", shown(tool)),
            });
        }
    }
    let fits = |import: &Import, said: &str| {
        let (server, tool) = said.split_once('/').unwrap_or((said, ""));
        is_of(&package_name(server), &import.package)
            && is_of(&kebab(tool, "tool"), &import.function)
    };
    let is_said = |import: &&Import| said.iter().any(|said| fits(import, said));
    asked.unsaid = sorted(
        imports
            .iter()
            .filter(|i| !is_said(i))
            .map(|i| i.shown.clone()),
    );
    let is_used = |said: &&String| imports.iter().any(|import| fits(import, said));
    asked.unused = sorted(
        said.iter()
            .filter(|said| !is_used(said))
            .map(|said| shown(said)),
    );
    asked.tools = sorted(imports.into_iter().map(|import| import.shown));
    asked
}

/// Whether a name in an import section is the one that a text asks for, or that with a number behind it, as the second of two
/// that ask for the same has.
fn is_of(wish: &str, name: &str) -> bool {
    let rest = key(name).strip_prefix(&key(wish)).map(str::to_owned);
    rest.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use witgate_codegen::built::BuiltTool;
    use witgate_host::outline::Outlined;

    fn interface(name: &str, functions: &[&str]) -> Outlined {
        Outlined {
            name: name.to_owned(),
            functions: functions.iter().map(|&f| f.to_owned()).collect(),
            is_interface: true,
            is_type: false,
        }
    }

    fn outline(imports: Vec<Outlined>) -> Outline {
        Outline {
            imports,
            exports: vec!["run".to_owned()],
        }
    }

    fn built(function: &str, tool: &str) -> BuiltAgainst {
        let tool = BuiltTool {
            interface: "mcp:github/json".to_owned(),
            function: function.to_owned(),
            tool: tool.to_owned(),
            definition: String::new(),
            shape: String::new(),
        };
        BuiltAgainst {
            version: 1,
            tools: vec![tool],
        }
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn the_import_section_counts_and_not_what_is_said() {
        let outline = outline(vec![
            interface("witgate:runtime/types@0.1.0", &[]),
            interface("mcp:github/json", &["list-issues", "delete-repo"]),
            interface("mcp:mail/tools", &["send"]),
        ]);
        let said = words(&["GitHub/list_issues", "crm/list_deals"]);
        let asked = compare(&outline, Some(&built("list-issues", "list_issues")), &said);
        assert_eq!(
            asked.tools,
            ["github/delete-repo", "github/list_issues", "mail/send"]
        );
        assert_eq!(asked.unsaid, ["github/delete-repo", "mail/send"]);
        assert_eq!(asked.unused, ["crm/list_deals"]);
        assert!(asked.foreign.is_empty() && !asked.is_as_said());
    }

    #[test]
    fn a_component_cannot_call_a_tool_by_another_name() {
        let asks = |function| outline(vec![interface("mcp:github/json", &[function])]);
        let lie = built("delete-repo", "list_issues");
        let asked = compare(
            &asks("delete-repo"),
            Some(&lie),
            &words(&["github/list_issues"]),
        );
        assert_eq!(asked.tools, ["github/delete-repo"]);
        assert!(!asked.is_as_said());
        let lie = built("list-issues2", "list_issues");
        let asked = compare(&asks("list-issues2"), Some(&lie), &[]);
        assert_eq!(asked.tools, ["github/list-issues2"]);
    }

    #[test]
    fn the_second_of_two_equal_names_is_still_the_one_that_is_said() {
        let outline = outline(vec![interface("mcp:my-server2/json", &["get-item2"])]);
        let asked = compare(&outline, None, &words(&["My Server/getItem"]));
        assert!(asked.is_as_said(), "{asked:?}");
    }

    #[test]
    fn what_no_host_links_is_told() {
        let mut odd = interface("mcp:github/json", &["list-issues"]);
        odd.is_interface = false;
        let outline = outline(vec![
            interface("wasi:filesystem/types@0.2.0", &["read"]),
            interface("mcp:github/admin", &["drop"]),
            odd,
        ]);
        let asked = compare(&outline, None, &[]);
        assert_eq!(
            asked.foreign,
            [
                "wasi:filesystem/types@0.2.0",
                "mcp:github/admin",
                "mcp:github/json"
            ]
        );
        assert!(asked.tools.is_empty());
    }
}
