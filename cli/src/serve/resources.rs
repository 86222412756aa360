//! Resources: the declarations of all tools as a tree of files, the texts of skills, and whole results of the session.

use rmcp::ErrorData;
use rmcp::model::{
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource,
    ResourceContents, ResourceTemplate,
};
use serde_json::json;
use witgate_codegen::tree;

use super::known::Known;
use super::session::Session;
use super::{Front, find, skills};
use crate::skills::skill_md;

const ROOT: &str = "witgate://";
/// Whole results, by their tokens.
pub(crate) const RESULTS: &str = "witgate://results/";
const SKILL: &str = "witgate://skills/";

/// Resources on one page.
const PAGE: usize = 200;

/// One page: results of this session, skills, declarations.
pub(crate) fn list(
    front: &Front,
    session: &Session,
    known: &Known,
    cursor: Option<&str>,
) -> Result<ListResourcesResult, ErrorData> {
    let offset = match cursor {
        None => 0,
        Some(cursor) => cursor
            .parse::<usize>()
            .map_err(|_| ErrorData::invalid_params("the cursor is none of this server", None))?,
    };
    let mut own = Vec::new();
    for (token, bytes) in session.results() {
        let mut result = Resource::new(format!("{RESULTS}{token}"), "result.json")
            .with_mime_type("application/json");
        result.size = Some(bytes as u64);
        own.push(result);
    }
    for (name, description) in skills::seen(front, session) {
        own.push(
            Resource::new(format!("{SKILL}{name}/SKILL.md"), name)
                .with_description(description)
                .with_mime_type("text/markdown"),
        );
    }
    let declared = known
        .definitions
        .models
        .iter()
        .flat_map(|server| server.tools.iter().map(move |tool| (server, tool)));
    let declared = declared.map(|(server, tool)| {
        let path = tree::path(server, tool);
        let name = format!("{}/{}", server.server, tool.tool);
        Resource::new(format!("{ROOT}{path}"), name)
            .with_description(find::summary(tool))
            .with_mime_type("application/typescript")
    });
    let mut all = own.into_iter().chain(declared).skip(offset);
    let page: Vec<Resource> = all.by_ref().take(PAGE).collect();
    let more = all.next().is_some();
    let mut result = ListResourcesResult::with_all_items(page);
    result.next_cursor = more.then(|| (offset + PAGE).to_string());
    Ok(result)
}

/// How the tree is named.
pub(crate) fn templates() -> ListResourceTemplatesResult {
    let template = |uri: &str, name: &str, description: &str, mime: &str| {
        ResourceTemplate::new(uri.to_owned(), name.to_owned())
            .with_description(description)
            .with_mime_type(mime)
    };
    ListResourceTemplatesResult::with_all_items(vec![
        template(
            "witgate://servers/{server}/{tool}.d.ts",
            "declaration",
            "A tool as TypeScript declares it",
            "application/typescript",
        ),
        template(
            "witgate://skills/{name}/SKILL.md",
            "skill",
            "What a kept program is for",
            "text/markdown",
        ),
        template(
            "witgate://results/{token}",
            "result",
            "A result that was too long for its answer, whole",
            "application/json",
        ),
    ])
}

/// One resource.
pub(crate) fn read(
    front: &Front,
    session: &Session,
    known: &Known,
    uri: &str,
) -> Result<ReadResourceResult, ErrorData> {
    let missing =
        || ErrorData::resource_not_found("there is no such resource", Some(json!({ "uri": uri })));
    let (text, mime) = if let Some(token) = uri.strip_prefix(RESULTS) {
        let whole = session.result(token).ok_or_else(missing)?;
        (whole.as_ref().to_owned(), "application/json")
    } else if let Some(name) = uri
        .strip_prefix(SKILL)
        .and_then(|rest| rest.strip_suffix("/SKILL.md"))
    {
        let skill = skills::find(front, session, name).map_err(|_| missing())?;
        (
            skill_md(&skill.manifest, &skills::declaration(known, &skill)),
            "text/markdown",
        )
    } else {
        let path = uri.strip_prefix(ROOT).ok_or_else(missing)?;
        let (server, tool) = tree::find(&known.definitions.models, path).ok_or_else(missing)?;
        (tree::text(server, tool), "application/typescript")
    };
    Ok(ReadResourceResult::new(vec![
        ResourceContents::text(text, uri).with_mime_type(mime),
    ]))
}
