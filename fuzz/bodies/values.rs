//! Bytes -> a schema and values -> both views, both sides. Nothing may panic. What the schema allows comes back as it was,
//! unless a loss had said that it would not; what it forbids is refused in both views with the same reason.

use std::sync::LazyLock;

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use witgate_codegen::catalog::{Catalog, Server, Tool};
use witgate_codegen::json::parse;
use witgate_codegen::select::View;
use witgate_host::{Definitions, Side, round_trip};

use crate::draw::Draw;
use crate::instances::instances;
use crate::judge::{Subject, Verdict};
use crate::mutations::mutate;

/// Values that are made for one schema.
const VALUES: usize = 6;
/// Most values that an input gives.
const GIVEN: usize = 20;

static RUNTIME: LazyLock<Option<Runtime>> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().ok());

/// The target. A text is a schema, and behind line ends values; other bytes are drawn from.
pub(crate) fn values(data: &[u8]) {
    let (schema, given) = match std::str::from_utf8(data) {
        Ok(text) if text.starts_with('{') => {
            let mut lines = text.split('\n');
            let schema = parse(lines.next().unwrap_or_default().as_bytes());
            let Ok(schema) = schema else { return };
            (schema, lines.take(GIVEN).map(str::to_owned).collect())
        }
        _ => {
            let mut draw = Draw::new(data);
            let schema = draw.schema(0);
            let count = draw.byte() % 4;
            let given: Vec<String> = (0..count).map(|_| draw.value(0).to_string()).collect();
            (schema, given)
        }
    };
    if let Some(runtime) = RUNTIME.as_ref() {
        examine(schema, &given, runtime);
    }
}

fn examine(schema: Value, given: &[String], runtime: &Runtime) {
    let tool = Tool {
        name: "t".to_owned(),
        input_schema: schema.clone(),
        output_schema: Some(schema),
        ..Tool::default()
    };
    let server = Server {
        tools: vec![tool],
        ..Server::default()
    };
    let mut catalog = Catalog::default();
    catalog.servers.insert("fuzz".to_owned(), server);
    let Ok(definitions) = Definitions::new(&catalog) else {
        return;
    };
    for subject in Subject::all(&definitions) {
        // Where a schema is none, types and validation may read the broken part differently: it is only not to break the host.
        let definition = &subject.definition;
        if definition.schema_fault().is_some() || !definition.schema_blemishes().is_empty() {
            for text in given {
                for view in [View::Typed, View::Json] {
                    let taken = round_trip(&subject.definition, subject.side, view, text);
                    drop(runtime.block_on(taken));
                }
            }
            continue;
        }
        for text in given {
            runtime.block_on(one(&subject, text));
        }
        let seed = given.len() as u64;
        // Whatever a schema says, MCP's arguments are an object.
        let object = json!({"type": "object"});
        let schemas = match subject.side {
            Side::Input => vec![&subject.schema, &object],
            Side::Output => vec![&subject.schema],
        };
        let made = instances(&schemas, VALUES, seed, &mut |value| {
            let checked = runtime.block_on(subject.check(value));
            checked.map_err(|violation| (violation.at, violation.why))
        });
        for value in made.valid {
            runtime.block_on(one(&subject, &value.to_string()));
            if let Some(mutation) = mutate(&value, &mut Rng::with_seed(seed)) {
                runtime.block_on(one(&subject, &mutation.value.to_string()));
            }
        }
    }
}

async fn one(subject: &Subject, text: &str) {
    let Ok(value) = parse(text.as_bytes()) else {
        for view in [View::Typed, View::Json] {
            let back = round_trip(&subject.definition, subject.side, view, text).await;
            assert!(back.is_err(), "what is no JSON is taken: {text}");
        }
        return;
    };
    let allowed = subject.check(&value).await.is_ok();
    let allowed = allowed && (subject.side == Side::Output || value.is_object());
    for view in [View::Typed, View::Json] {
        match allowed {
            true => {
                if let Verdict::Unreported(what) = subject.judge(view, &value, text).await {
                    panic!("{view:?}: {what}\nthe value {text}\nof {}", subject.schema);
                }
            }
            false => {
                let back = round_trip(&subject.definition, subject.side, view, text).await;
                assert!(back.is_err(), "{view:?} takes {text} of {}", subject.schema);
            }
        }
    }
}
