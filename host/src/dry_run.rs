//! Calls that are not made: what stands in for their result, and what they would have changed (`effects`). Which calls these
//! are is decided elsewhere.

mod effects;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use witgate_codegen::catalog::{canonical, hash};
use witgate_codegen::sample::samples;

use crate::definitions::{Definition, Violation};
use crate::journal::recording::Recorded;

pub use effects::{
    EFFECTS, EffectPlan, Effects, PLAN_VERSION, PlanError, PlannedCall, TooManyEffects,
};

/// Where the result came from that stood in for a call's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answered {
    /// Made from the tool's output schema; a sentence where it has none.
    Sampled,
    /// From an earlier call.
    Recorded,
}

/// Longest search for a result that fits.
const SEARCH: Duration = Duration::from_secs(4);

/// A result for a call that is not made: the recorded one, where that still fits, else one made from the output schema. It
/// is what the server would have sent, a wrapper still on, nothing in it sealed.
///
/// # Errors
/// No result that fits the schema was found.
pub(crate) async fn plausible(
    definition: &Definition,
    sequence: u64,
    recorded: Option<&Recorded<'_>>,
) -> Result<(Value, Answered), String> {
    let name = format!("{}/{}", definition.server, definition.tool.name);
    if let Some(recorded) = recorded.filter(|recorded| !recorded.failed)
        && definition.check_result(&recorded.result).await.is_ok()
    {
        return Ok((recorded.result.as_ref().clone(), Answered::Recorded));
    }
    let Some(schema) = definition.output_schema() else {
        let told = format!("dry run: {name} was not called");
        return Ok((told.into(), Answered::Sampled));
    };
    let started = Instant::now();
    let mut last = None;
    // The first call is number 1 to whoever reads the result.
    for value in samples(schema, sequence.saturating_add(1)) {
        match definition.check_result(&value).await {
            Ok(()) => return Ok((value, Answered::Sampled)),
            Err(violation) => last = Some(violation),
        }
        if started.elapsed() > SEARCH {
            break;
        }
    }
    let why = match last {
        Some(Violation { at, why }) if at.is_empty() => why,
        Some(Violation { at, why }) => format!("`{at}` {why}"),
        None => "it allows nothing that can be made up".to_owned(),
    };
    Err(format!(
        "dry run: {name} was not called, and no result that fits its output schema was found: {why}"
    ))
}

/// Results of earlier calls, to stand in for those of calls that are not made. Bounded: of each tool one for any arguments,
/// and some for their own.
#[derive(Debug, Default)]
pub struct Recordings {
    by_tool: HashMap<(String, String), Recorded<'static>>,
    by_arguments: HashMap<(String, String, String), Recorded<'static>>,
}

/// A run that changes nothing: what it would have changed, and what stands in for results.
#[derive(Debug, Default)]
pub struct DryRun {
    /// The calls that were not made.
    pub effects: Effects,
    /// Results of earlier runs.
    pub recordings: Recordings,
}

/// Most recorded results that are kept by their arguments.
const RECORDED: usize = 10_000;

impl Recordings {
    /// Takes a recorded call in; later ones count more. Failures are left out.
    pub fn add(&mut self, call: Recorded<'_>) {
        if call.failed {
            return;
        }
        let owned = Recorded {
            run: call.run.into_owned().into(),
            sequence: call.sequence,
            server: call.server.into_owned().into(),
            tool: call.tool.into_owned().into(),
            arguments: std::borrow::Cow::Owned(call.arguments.into_owned()),
            result: std::borrow::Cow::Owned(call.result.into_owned()),
            structured: call.structured,
            failed: false,
        };
        let tool = (owned.server.to_string(), owned.tool.to_string());
        let arguments = hash(&canonical(&owned.arguments));
        let key = (tool.0.clone(), tool.1.clone(), arguments);
        if self.by_arguments.len() < RECORDED || self.by_arguments.contains_key(&key) {
            self.by_arguments.insert(key, owned.clone());
        }
        self.by_tool.insert(tool, owned);
    }

    /// The last result of a call with these arguments, else of any call of the tool.
    #[must_use]
    pub fn find(&self, server: &str, tool: &str, arguments: &Value) -> Option<&Recorded<'static>> {
        let arguments = hash(&canonical(arguments));
        let same = (server.to_owned(), tool.to_owned(), arguments);
        let (server, tool, _) = &same;
        let any = || self.by_tool.get(&(server.clone(), tool.clone()));
        self.by_arguments.get(&same).or_else(any)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stdout)]
mod tests {
    use std::borrow::Cow;
    use std::path::Path;

    use serde_json::json;
    use witgate_codegen::catalog::{Catalog, Server, parse_tools_list};

    use super::*;
    use crate::definitions::Definitions;

    fn definitions(tools: &str) -> Definitions {
        let server = Server {
            tools: parse_tools_list(tools).unwrap(),
            ..Server::default()
        };
        let mut catalog = Catalog::default();
        catalog.servers.insert("s".into(), server);
        Definitions::new(&catalog).unwrap()
    }

    fn recorded(arguments: Value, result: Value) -> Recorded<'static> {
        Recorded {
            run: "1".into(),
            sequence: 0,
            server: "s".into(),
            tool: "t".into(),
            arguments: Cow::Owned(arguments),
            result: Cow::Owned(result),
            structured: true,
            failed: false,
        }
    }

    #[tokio::test]
    async fn a_recorded_result_goes_before_a_made_one_while_it_fits() {
        let tools = json!({"tools": [
            {"name": "t", "inputSchema": {"type": "object"},
             "outputSchema": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}},
            {"name": "plain", "inputSchema": {"type": "object"}},
            {"name": "never", "inputSchema": {"type": "object"}, "outputSchema": {"type": "object", "not": {}}}]});
        let definitions = definitions(&tools.to_string());
        let tool = definitions.get("s", "t").unwrap();
        let mut recordings = Recordings::default();
        recordings.add(recorded(json!({"a": 1}), json!({"id": 10})));
        recordings.add(recorded(json!({"a": 2}), json!({"id": 20})));
        recordings.add(Recorded {
            failed: true,
            ..recorded(json!({"a": 1}), json!("no"))
        });
        for (arguments, id) in [(json!({"a": 1}), 10), (json!({"a": 9}), 20)] {
            let found = recordings.find("s", "t", &arguments);
            let made = plausible(tool, 0, found).await.unwrap();
            assert_eq!(made, (json!({"id": id}), Answered::Recorded));
        }
        let stale = recorded(json!({}), json!({"name": "x"}));
        for (sequence, stands_in) in [(0, None), (1, Some(&stale))] {
            let made = plausible(tool, sequence, stands_in).await.unwrap();
            assert_eq!(made, (json!({"id": sequence + 1}), Answered::Sampled));
        }
        let plain = definitions.get("s", "plain").unwrap();
        let (told, _) = plausible(plain, 0, None).await.unwrap();
        assert_eq!(told, json!("dry run: s/plain was not called"));
        let never = definitions.get("s", "never").unwrap();
        let error = plausible(never, 0, None).await.unwrap_err();
        assert!(error.contains("s/never"), "{error}");
    }

    #[tokio::test]
    async fn most_output_schemas_of_the_corpus_have_a_plausible_value() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
        let Ok(entries) = std::fs::read_dir(folder) else {
            println!("skipped: no corpus beside the repository");
            return;
        };
        let (mut all, mut fitting, mut misses) = (0, 0, Vec::new());
        for entry in entries {
            let path = entry.unwrap().path();
            let is_list = path.extension().is_some_and(|ending| ending == "json");
            if !is_list || path.ends_with("manifest.json") {
                continue;
            }
            let definitions = definitions(&std::fs::read_to_string(&path).unwrap());
            let models = definitions.models.iter().flat_map(|model| &model.tools);
            for model in models {
                let definition = definitions.get("s", &model.tool).unwrap();
                if definition.output_schema().is_none() {
                    continue;
                }
                all += 1;
                match plausible(definition, 0, None).await {
                    Ok(_) => fitting += 1,
                    Err(why) => misses.push(format!("{}: {why}", path.display())),
                }
            }
        }
        let share = f64::from(fitting) / f64::from(all) * 100.0;
        println!("{fitting} of {all} output schemas have a plausible value: {share:.1} %");
        println!("{}", misses.join("\n"));
        assert!(all > 100 && share >= 95.0, "{share} %: {misses:#?}");
    }
}
