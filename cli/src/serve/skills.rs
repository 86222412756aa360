//! Skills as a model sees them: tools of the server `skills`, and texts to read.

use witgate_codegen::describe::describe_js;
use witgate_codegen::select;

use super::known::Known;
use super::session::Session;
use super::{Front, SKILLS};
use crate::skills::{Skill, one_line};

/// Longest description in a list, in characters: it is others' text.
const SUMMARY: usize = 120;

/// The skills that a session sees, one line each.
pub(crate) fn list(front: &Front, session: &Session) -> String {
    let (skills, _) = front.skills.list();
    let seen = skills.iter().filter(|skill| is_seen(skill, session));
    let lines: Vec<String> = seen
        .map(|skill| {
            let state = if skill.reviewed {
                ""
            } else {
                " (not reviewed)"
            };
            format!(
                "{SKILLS}/{}{state}: {}",
                skill.manifest.name,
                one_line(&skill.manifest.description, SUMMARY)
            )
        })
        .collect();
    match lines.as_slice() {
        [] => "No skills yet. `run` with `keep` makes one of a program that works.".to_owned(),
        lines => lines.join("\n"),
    }
}

/// Names and descriptions of the skills that a session sees.
pub(crate) fn seen(front: &Front, session: &Session) -> Vec<(String, String)> {
    let (skills, _) = front.skills.list();
    let seen = skills.into_iter().filter(|skill| is_seen(skill, session));
    seen.map(|skill| (skill.manifest.name, skill.manifest.description))
        .collect()
}

/// How a program calls it.
pub(crate) fn declaration(known: &Known, skill: &Skill) -> String {
    let models = &known.definitions.models;
    match select::find_tool(models, SKILLS, &skill.manifest.name) {
        Ok((server, tool)) => describe_js(server, &[tool]),
        Err(_) => String::new(),
    }
}

/// A skill that the session sees.
pub(crate) fn find(front: &Front, session: &Session, name: &str) -> Result<Skill, String> {
    let name = name.trim_start_matches("skills/");
    match front.skills.get(name) {
        Ok(skill) if is_seen(&skill, session) => Ok(skill),
        _ => Err(format!(
            "there is no skill `{name}`\n{}",
            list(front, session)
        )),
    }
}

fn is_seen(skill: &Skill, session: &Session) -> bool {
    skill.reviewed || session.made_it(skill)
}
