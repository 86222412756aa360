//! Skills: programs that other programs call by name, as if each were a tool of a server. Here is which skills a program may
//! reach, itself or through others, and what they ask for in their turn. What they may do is decided in `admission`, with
//! the program that calls them; how they run is in `run`.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::definitions::Definitions;
use crate::host::Host;
use crate::imports::{ImportedTool, Imports, Unknown};
use crate::program::Program;

/// The server whose tools are skills: `mcp:skills`. It is none that anybody connects to, so no other may have its name.
pub const SKILLS: &str = "skills";

/// How deep skills may call one another.
pub const DEPTH: usize = 8;

/// A skill that a program may reach.
#[derive(Debug, Clone)]
pub struct ImportedSkill {
    /// Its name, as its definition has it.
    pub name: String,
    /// What runs when it is called.
    pub program: Arc<Program>,
    /// What it asks for itself: the tools, and in `calls` further skills.
    pub imports: Imports,
}

impl Imports {
    /// The same with the skills among the tools resolved, and whatever these import, skills again included. `find` gives a
    /// skill's program by its name, or says in a clause why it does not; it is asked once for each. It may take as long as
    /// compiling does.
    ///
    /// What cannot be resolved is in `unknown`, the importing skill's or the program's, and refused with all the rest.
    #[must_use]
    pub fn with_skills(
        mut self,
        host: &Host,
        definitions: &Definitions,
        find: &mut dyn FnMut(&str) -> Result<Program, String>,
    ) -> Imports {
        let mut search = Search {
            host,
            definitions,
            find,
            known: IndexMap::new(),
            path: Vec::new(),
        };
        self.set_calls_apart();
        self.unknown.extend(search.resolve(&self.calls).1);
        let found = search.known.into_values().flatten();
        self.skills = found.map(|(skill, _)| skill).collect();
        self
    }

    fn set_calls_apart(&mut self) {
        let tools = std::mem::take(&mut self.tools);
        let (calls, tools) = tools.into_iter().partition(|tool| tool.server == SKILLS);
        (self.calls, self.tools) = (calls, tools);
    }

    /// The program's own imports and those of each skill, with its name.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Option<&str>, &Imports)> {
        let skills = self.skills.iter();
        let skills = skills.map(|skill| (Some(skill.name.as_str()), &skill.imports));
        std::iter::once((None, self)).chain(skills)
    }
}

struct Search<'a> {
    host: &'a Host,
    definitions: &'a Definitions,
    find: &'a mut dyn FnMut(&str) -> Result<Program, String>,
    /// Each with the longest way through skills that begins with it, or why there is none.
    known: IndexMap<String, Result<(ImportedSkill, usize), String>>,
    /// The skills through which the one at hand was reached.
    path: Vec<String>,
}

impl Search<'_> {
    /// Finds what is called, and what that calls; returns the longest way through skills, and what is wrong with the calls.
    fn resolve(&mut self, calls: &[ImportedTool]) -> (usize, Vec<Unknown>) {
        let (mut height, mut wrong) = (0, Vec::new());
        for call in calls {
            match self.find(&call.tool) {
                Ok(found) => height = height.max(found),
                Err(message) => wrong.push(Unknown {
                    import: format!("{SKILLS}/{}", call.tool),
                    message,
                    hint: None,
                }),
            }
        }
        // The same skill may be imported in both views.
        wrong.dedup();
        (height, wrong)
    }

    fn find(&mut self, name: &str) -> Result<usize, String> {
        if self.path.iter().any(|above| above == name) {
            let circle = self.path.iter().skip_while(|above| *above != name);
            let circle: Vec<&str> = circle.map(String::as_str).chain([name]).collect();
            return Err(format!("it calls itself: `{}`", circle.join("` -> `")));
        }
        let depth = self.path.len() + 1;
        let too_deep = || format!("skills call one another more than {DEPTH} deep");
        match self.known.get(name) {
            Some(Err(why)) => return Err(why.clone()),
            Some(Ok((_, height))) if depth + height > DEPTH + 1 => return Err(too_deep()),
            Some(Ok((_, height))) => return Ok(*height),
            None if depth > DEPTH => return Err(too_deep()),
            None => {}
        }
        let program = match (self.find)(name) {
            Ok(program) => program,
            Err(why) => {
                self.known.insert(name.to_owned(), Err(why.clone()));
                return Err(why);
            }
        };
        let mut imports = program.imports(self.host, self.definitions);
        imports.set_calls_apart();
        self.path.push(name.to_owned());
        let (below, wrong) = self.resolve(&imports.calls);
        self.path.pop();
        imports.unknown.extend(wrong);
        let skill = ImportedSkill {
            name: name.to_owned(),
            program: Arc::new(program),
            imports,
        };
        let height = below + 1;
        self.known.insert(name.to_owned(), Ok((skill, height)));
        Ok(height)
    }
}
