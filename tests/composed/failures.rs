//! A skill that fails is a call that failed: its caller may go on, and hears what was wrong and where.

use serde_json::{Value, json};
use witgate_host::RunError;

use crate::ground::{Ground, any, declared};

/// Runs a skill of this source, and gives back the error as its caller sees it.
async fn error(source: &str) -> Value {
    let mut ground = Ground::new(vec![any("fails")]).await;
    ground.skill("fails", source);
    let ended = ground
        .go(
            "import { fails } from 'mcp:skills';
            export default async () => { try { return { returned: await fails({}) }; } catch (error) { const { name, kind, tool, message, detail } = error; return { name, kind, tool, message, detail }; } }",
            Value::Null,
        )
        .await;
    ended.value()
}

#[tokio::test]
async fn a_skill_that_throws_is_an_error_that_can_be_caught() {
    let error =
        error("export default async () => {\n    throw new RangeError('too many');\n}").await;
    assert_eq!(error["name"], "ToolError");
    assert_eq!(error["kind"], "tool-failed");
    assert_eq!(error["tool"], "skills/fails");
    assert_eq!(error["message"], "RangeError: too many");
    let stack = error["detail"]["stack"].as_str().unwrap();
    assert!(stack.contains("fails.js:2:"), "{stack}");
}

#[tokio::test]
async fn however_a_skill_breaks_its_caller_goes_on() {
    for (source, kind, message) in [
        (
            "export default () => { (function f() { f(); })(); }",
            "tool-failed",
            "stack overflow",
        ),
        (
            "export default () => new Promise(() => {})",
            "tool-failed",
            "waits forever",
        ),
        (
            "throw new Error('at the start'); export default () => 1",
            "tool-failed",
            "at the start",
        ),
        (
            "export default () => { Promise.reject(new Error('nobody looks')); }",
            "tool-failed",
            "nobody looks",
        ),
    ] {
        let error = error(source).await;
        assert_eq!(error["kind"], kind, "{source}: {error}");
        let said = error["message"].as_str().unwrap();
        assert!(said.contains(message), "{source}: {error}");
    }
}

#[tokio::test]
async fn a_call_that_a_skill_did_not_handle_is_told_with_its_cause() {
    let mut ground = Ground::new(vec![any("fails"), any("around")]).await;
    ground.skill(
        "fails",
        "import { alwaysFails } from 'mcp:demo'; export default () => alwaysFails({ reason: 'because' })",
    );
    ground.skill(
        "around",
        "import { fails } from 'mcp:skills'; export default () => fails({})",
    );
    let ended = ground
        .go(
            "import { around } from 'mcp:skills'; export default () => around({})",
            Value::Null,
        )
        .await;
    // Not caught by anybody: the run ends with the error of the call that the program made.
    let Err(RunError::Program(error)) = ended.finished.result else {
        panic!();
    };
    let cause = error.cause.unwrap();
    assert_eq!(cause.tool, "skills/around");
    let detail: Value = serde_json::from_str(&cause.detail.unwrap()).unwrap();
    assert_eq!(detail["cause"]["tool"], "skills/fails");
    assert_eq!(
        detail["cause"]["detail"]["cause"]["tool"],
        "demo/always_fails"
    );
}

#[tokio::test]
async fn types_are_held_on_the_way_in_and_on_the_way_out() {
    let typed = declared(
        "typed",
        json!({ "type": "object", "properties": { "give": {}, "n": { "type": "integer" } }, "additionalProperties": false }),
        Some(json!({ "type": "array", "items": { "type": "integer" } })),
    );
    let mut ground = Ground::new(vec![typed]).await;
    ground.skill("typed", "export default ({ give }) => give");
    let ended = ground
        .go(
            "import { typed } from 'mcp:skills';
            const attempt = (args) => typed(args).then((value) => value, ({ kind, message, detail }) => [kind, message, detail?.[0]?.at]);
            export default async () => [await attempt({ give: [1, 2] }), await attempt({ n: 'x' }), await attempt({ m: 1 }), await attempt({ give: [1, 'x'] }), await attempt({ give: {} })]",
            Value::Null,
        )
        .await;
    let value = ended.value();
    assert_eq!(value[0], json!([1, 2]));
    assert_eq!(
        (&value[1][0], &value[1][2]),
        (&json!("invalid-arguments"), &json!("/n"))
    );
    assert_eq!(value[2][0], "invalid-arguments");
    assert_eq!(
        (&value[3][0], &value[3][2]),
        (&json!("invalid-result"), &json!("/1"))
    );
    let message = value[4][1].as_str().unwrap();
    assert!(
        message.starts_with("the skill's result breaks its own output schema: "),
        "{message}"
    );
}
