//! What a run would have changed, as text for a person: `crm/create_record` 3 times, with these arguments.

use witgate_host::dry_run::{EffectPlan, PlannedCall};

use crate::terminal;

/// Longest arguments that are shown, in characters.
const SHOWN: usize = 200;

/// The calls of a plan by tool, in the order of the first of each, then how the plan is run. `program` and `file` are what
/// the person would write for the program and the plan.
pub(crate) fn describe(plan: &EffectPlan, program: &str, file: &str) -> String {
    let mut lines = Vec::new();
    for (server, tool, count) in plan.counts() {
        let name = one_line(&format!("{server}/{tool}"));
        let times = match count {
            1 => "once".to_owned(),
            count => format!("{count} times"),
        };
        lines.push(format!("would call {name} {times}:"));
        let calls = plan.effects.iter();
        let calls = calls.filter(|call| call.server == server && call.tool == tool);
        lines.extend(calls.map(|call| format!("  {}", describe_call(call))));
    }
    if plan.effects.is_empty() {
        lines.push("would change nothing: every call was made".to_owned());
        return lines.join("\n") + "\n";
    }
    lines.push(String::new());
    lines.push(format!("plan {}", one_line(&plan.plan_sha256)));
    lines.push(format!(
        "to approve exactly these calls: keep the plan with `witgate run {program} ... --dry-run --json > {file}`, and run \
         the same with `--plan {file}` instead",
        program = one_line(program),
        file = one_line(file)
    ));
    if plan.effects.iter().any(|call| holds_token(&call.arguments)) {
        lines.push(
            "calls with sealed values are asked for all the same: their tokens are others in each run"
                .to_owned(),
        );
    }
    lines.join("\n") + "\n"
}

fn holds_token(arguments: &serde_json::Value) -> bool {
    match arguments {
        serde_json::Value::String(text) => text.starts_with("sealed:"),
        serde_json::Value::Array(items) => items.iter().any(holds_token),
        serde_json::Value::Object(map) => map.values().any(holds_token),
        _ => false,
    }
}

fn describe_call(call: &PlannedCall) -> String {
    let text = call.arguments.to_string();
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    let mut line = one_line(&shown);
    if call.needs_approval {
        line.push_str(" (needs approval");
        if !call.reasons.is_empty() {
            line.push_str(&format!(": {}", one_line(&call.reasons.join("; "))));
        }
        line.push(')');
    }
    line
}

/// Text of a program, server or file that cannot steer the terminal, nor begin a line of its own.
fn one_line(text: &str) -> String {
    terminal::clean(&text.replace(['\n', '\t'], " "))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use witgate_host::dry_run::Answered;

    use super::*;

    fn call(tool: &str, arguments: Value, reasons: &[&str]) -> PlannedCall {
        PlannedCall {
            server: "crm".into(),
            tool: tool.into(),
            arguments,
            digest: "d".into(),
            answered: Answered::Sampled,
            needs_approval: !reasons.is_empty(),
            reasons: reasons.iter().map(|&reason| reason.to_owned()).collect(),
        }
    }

    fn plan(calls: Vec<PlannedCall>) -> EffectPlan {
        EffectPlan {
            plan_sha256: "5eed".into(),
            ..EffectPlan::new("triage.js".into(), "p".into(), calls)
        }
    }

    #[test]
    fn calls_stand_by_tool_in_order() {
        let plan = plan(vec![
            call("create_record", json!({"name": "A"}), &[]),
            call(
                "delete_record",
                json!({"id": 7}),
                &["it deletes", "a flow rule asks"],
            ),
            call("create_record", json!({"name": "B"}), &[]),
        ]);
        let wanted = r#"would call crm/create_record 2 times:
  {"name":"A"}
  {"name":"B"}
would call crm/delete_record once:
  {"id":7} (needs approval: it deletes; a flow rule asks)

plan 5eed
to approve exactly these calls: keep the plan with `witgate run triage.js ... --dry-run --json > plan.json`, and run the same with `--plan plan.json` instead
"#;
        assert_eq!(describe(&plan, "triage.js", "plan.json"), wanted);
    }

    #[test]
    fn hostile_texts_stay_in_their_line_and_long_ones_are_cut() {
        let long = "x".repeat(500);
        let hostile = "a\x1b[2J\n\u{202e}would call nothing";
        let plan = plan(vec![
            call("t\n\x07", json!({"a": hostile}), &["b\nc"]),
            call("t\n\x07", json!([long]), &[]),
        ]);
        let text = describe(&plan, "p\n.js", "f");
        let wanted = format!(
            "would call crm/t \u{fffd} 2 times:\n  {{\"a\":\"a\\u001b[2J\\n\u{fffd}would call nothing\"}} (needs approval: b c)\n  [\"{}…\n\nplan 5eed\nto approve exactly these calls: keep the plan with `witgate run p .js ... --dry-run --json > f`, and run the same with `--plan f` instead\n",
            "x".repeat(198)
        );
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_run_without_effects_says_so() {
        let text = describe(&plan(Vec::new()), "p", "f");
        assert_eq!(text, "would change nothing: every call was made\n");
    }
}
