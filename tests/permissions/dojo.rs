//! The policy cases of AgentDojo: what its users want done, and what its attackers slip into what is read, replayed as
//! programs under one grants file per suite. A grants file is written from what the users want, never from the attacks.
//!
//! `WITGATE_AGENTDOJO=FOLDER` takes further suites from there: `NAME.json` with its grants in `NAME.toml` beside it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use witgate_codegen::names::{camel_case, kebab};
use witgate_host::RunOptions;
use witgate_host::approval::Answer;
use witgate_host::grants::{Effect, Grants};

use crate::ground::{Ground, Person, no, rules};

#[derive(Deserialize)]
struct Suite {
    suite: String,
    tools: Vec<Value>,
    user_tasks: BTreeMap<String, UserTask>,
    injection_tasks: BTreeMap<String, InjectionTask>,
}

#[derive(Deserialize)]
struct UserTask {
    prompt: String,
    calls: Vec<Call>,
}

#[derive(Deserialize)]
struct InjectionTask {
    calls: Vec<Call>,
}

#[derive(Deserialize, Clone, PartialEq, Debug)]
struct Call {
    tool: String,
    args: Value,
}

/// What is counted over one suite.
#[derive(Default)]
struct Figures {
    tasks: usize,
    unasked: usize,
    asked_once: usize,
    asked_more: Vec<String>,
    failed: Vec<String>,
    injections: usize,
    without_calls: usize,
    attacks: usize,
    harmful: usize,
    reached: Vec<String>,
    unshown: Vec<String>,
}

fn suites() -> Vec<(PathBuf, PathBuf)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    for name in ["banking", "workspace"] {
        let data = here.join(format!("../../shared/agentdojo/{name}.json"));
        all.push((
            data,
            here.join(format!("permissions/agentdojo/{name}.toml")),
        ));
    }
    if let Some(folder) = std::env::var_os("WITGATE_AGENTDOJO") {
        for entry in std::fs::read_dir(folder).unwrap() {
            let data = entry.unwrap().path();
            if data.extension().is_some_and(|ending| ending == "json") {
                all.push((data.clone(), data.with_extension("toml")));
            }
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attack_gets_through_and_few_tasks_need_a_person() {
    let mut table = String::from(
        "suite      | user tasks | without approval | one batch | attacks | harmful calls | reached unapproved\n",
    );
    for (data, grants) in suites() {
        let Ok(text) = std::fs::read_to_string(&data) else {
            eprintln!("skipped: {} is not there", data.display());
            continue;
        };
        let suite: Suite = serde_json::from_str(&text).unwrap();
        let grants = rules(&std::fs::read_to_string(&grants).unwrap());
        let figures = examine(&suite, &grants).await;
        table += &format!(
            "{:<10} | {:>10} | {:>8} ({:>3.0} %) | {:>9} | {:>7} | {:>13} | {:>18}\n",
            suite.suite,
            figures.tasks,
            figures.unasked,
            100.0 * figures.unasked as f64 / figures.tasks as f64,
            figures.asked_once,
            figures.attacks,
            figures.harmful,
            figures.reached.len(),
        );
        if figures.without_calls > 0 {
            let (without, all) = (figures.without_calls, figures.injections);
            table += &format!(
                "           | {without} of {all} injection tasks come without calls and are left out\n"
            );
        }
        // Not through the test harness, which keeps what succeeds to itself.
        let told = std::io::stderr().write_all(table.as_bytes());
        table.clear();
        told.unwrap();
        assert_eq!(figures.failed, [""; 0], "what the person approved is done");
        assert_eq!(figures.asked_more, [""; 0]);
        assert!(figures.unasked * 10 >= figures.tasks * 8);
        assert_eq!(figures.reached, [""; 0]);
        assert_eq!(figures.unshown, [""; 0]);
        assert!(figures.harmful > 0, "the attacks try something");
    }
}

async fn examine(suite: &Suite, grants: &Grants) -> Figures {
    let server = suite.suite.as_str();
    let ground = Ground::new(server, &json!({"tools": suite.tools})).await;
    let is_read = |call: &Call| {
        let mut all = grants.grants.iter();
        all.any(|grant| grant.effect == Effect::Read && grant.allows(server, &call.tool))
    };
    let dangerous =
        ["egress", "destructive"].map(|name| grants.names.get(name).unwrap_or_default());
    let is_harmful = |call: &Call| {
        let labels = grants
            .labels
            .iter()
            .filter(|l| l.tools.matches(server, &call.tool));
        labels
            .into_iter()
            .any(|l| dangerous.iter().any(|set| l.labels.has_any(*set)))
    };
    let mut figures = Figures::default();
    for (name, task) in &suite.user_tasks {
        figures.tasks += 1;
        let person = Person::new(|_, _| Answer::Yes);
        let options = RunOptions {
            asker: Some(person.clone()),
            request: Some(task.prompt.as_str().into()),
            ..ground.options()
        };
        let source = program(server, &task.calls, &[], &is_read);
        let prepared = ground.prepare(&source, grants).unwrap();
        let finished = ground.run(&prepared, &Value::Null, options).await;
        let reached = ground.reached();
        if reached.len() != task.calls.len() {
            figures
                .failed
                .push(format!("{name}: {:?}", finished.result));
        }
        match person.questions() {
            0 => figures.unasked += 1,
            1 => figures.asked_once += 1,
            _ => figures.asked_more.push(name.clone()),
        }
    }
    for (injection, attack) in &suite.injection_tasks {
        figures.injections += 1;
        if attack.calls.is_empty() {
            figures.without_calls += 1;
            continue;
        }
        let harmful: Vec<&Call> = attack
            .calls
            .iter()
            .filter(|call| is_harmful(call))
            .collect();
        // The attack rides on each task, and as a program of its own in a later run.
        for (name, task) in &suite.user_tasks {
            for calls in [&task.calls[..], &[]] {
                figures.attacks += 1;
                figures.harmful += harmful.len();
                let attack_calls = attack.calls.clone();
                let is_attack = move |tool: &str, args: &Value| {
                    attack_calls
                        .iter()
                        .any(|call| call.tool == tool && call.args == *args)
                };
                let person =
                    Person::new(
                        move |tool: &str, args: &Value| match is_attack(tool, args) {
                            true => no(),
                            false => Answer::Yes,
                        },
                    );
                let options = RunOptions {
                    asker: Some(person),
                    request: Some(task.prompt.as_str().into()),
                    ..ground.options()
                };
                let source = program(server, calls, &attack.calls, &is_read);
                let prepared = ground.prepare(&source, grants).unwrap();
                ground.run(&prepared, &Value::Null, options).await;
                let reached = ground.reached();
                for call in &harmful {
                    if reached
                        .iter()
                        .any(|(tool, args)| call.tool == *tool && call.args == *args)
                    {
                        figures
                            .reached
                            .push(format!("{name} + {injection}: {call:?}"));
                    }
                }
            }
        }
        // A person who says yes to everything was at least shown what they said yes to.
        if let Some(task) = suite.user_tasks.values().next() {
            let person = Person::new(|_, _| Answer::Yes);
            let options = RunOptions {
                asker: Some(person.clone()),
                request: Some(task.prompt.as_str().into()),
                ..ground.options()
            };
            let source = program(server, &task.calls, &attack.calls, &is_read);
            let prepared = ground.prepare(&source, grants).unwrap();
            ground.run(&prepared, &Value::Null, options).await;
            let (reached, shown) = (ground.reached(), person.shown());
            for call in harmful {
                let made = (call.tool.clone(), call.args.clone());
                if reached.contains(&made) && !shown.contains(&made) {
                    figures.unshown.push(format!("{injection}: {call:?}"));
                }
            }
        }
    }
    figures
}

/// A program that reads first, then does everything else at once, and lets no failure keep it from the rest.
fn program(
    server: &str,
    calls: &[Call],
    slipped_in: &[Call],
    is_read: &dyn Fn(&Call) -> bool,
) -> String {
    let function = |call: &Call| camel_case(&kebab(&call.tool, "tool"));
    let mut names: Vec<String> = calls.iter().chain(slipped_in).map(function).collect();
    names.sort();
    names.dedup();
    let attempt = |call: &Call| {
        let args = match call.args.as_object().is_some_and(serde_json::Map::is_empty) {
            true => String::new(),
            false => call.args.to_string(),
        };
        format!("attempt(() => {}({args}))", function(call))
    };
    let (reads, writes): (Vec<&Call>, Vec<&Call>) = calls.iter().partition(|call| is_read(call));
    let reads: String = reads
        .into_iter()
        .map(|call| format!("  await {};\n", attempt(call)))
        .collect();
    // Read or not, the attack's calls come in their order.
    let slipped: Vec<String> = slipped_in.iter().map(&attempt).collect();
    let writes: Vec<String> = writes.into_iter().map(attempt).collect();
    let all: Vec<String> = slipped.into_iter().chain(writes).collect();
    format!(
        "import {{ {} }} from \"mcp:{server}\";\n\
         const attempt = async (f) => {{ try {{ await f(); return null; }} catch (error) {{ return String(error.message); }} }};\n\
         export default async function () {{\n{reads}  return await Promise.all([{}]);\n}}\n",
        names.join(", "),
        all.join(", "),
    )
}
