//! An organisation's policies.

use super::*;

fn list_files() -> Arc<Definition> {
    let properties = json!({"path": {"type": "string"}, "depth": {"type": "integer"}});
    let schema = json!({"type": "object", "properties": properties, "required": ["path"]});
    definition("files", "list", schema)
}

fn check(text: &str) -> Result<CheckedPolicy, Vec<ConditionError>> {
    let policy = Policy {
        text: text.to_owned(),
        origin: "org.cedar".to_owned(),
    };
    let (send, list) = (send_money(), list_files());
    let tools = [(&send, vec!["egress".to_owned()]), (&list, Vec::new())];
    CheckedPolicy::new(&policy, &tools, &labels(), &sets())
}

fn refusal(text: &str) -> String {
    let errors = match check(text) {
        Ok(_) => panic!("{text} is taken"),
        Err(errors) => errors,
    };
    let lines = errors.iter().map(|e| match &e.hint {
        Some(hint) => format!("{e}; hint: {hint}"),
        None => e.to_string(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

const POLICIES: &str = r#"permit(principal, action, resource);

// No money to strangers.
@id("strangers")
forbid(principal, action == Action::"bank/send_money", resource)
when { !context.sets.payees.contains(context.args.recipient) };

forbid(principal, action in Action::"label:egress", resource)
when { context.read.contains("private") };

forbid(principal, action in [Action::"bank", Action::"elsewhere/tool"], resource)
unless { context.args has amount && context.args.amount.lessThan(decimal("100.0")) };
"#;

fn denial(server: &str, tool: &str, facts: &Facts<'_>) -> Option<(String, String)> {
    let checked = check(POLICIES).unwrap_or_else(|e| panic!("{e:?}"));
    let denial = checked.allows(server, tool, facts).err()?;
    Some((denial.policies.join(", "), denial.why))
}

#[test]
fn what_one_forbids_is_denied_by_its_name() {
    let good = with(json!({}));
    assert_eq!(denial("bank", "send_money", &facts(&good)), None);
    let told = |id: &str| Some((id.to_owned(), format!("the policy `{id}` forbids it")));
    let stranger = with(json!({"recipient": "Eve"}));
    let found = denial("bank", "send_money", &facts(&stranger));
    assert_eq!(found, told("strangers"));
    let private = Facts {
        read: vec!["private"],
        ..facts(&good)
    };
    assert_eq!(denial("bank", "send_money", &private), told("org.cedar:8"));
    let much = with(json!({"amount": 100}));
    let found = denial("bank", "send_money", &facts(&much));
    assert_eq!(found, told("org.cedar:11"));
    let both = with(json!({"amount": 100, "recipient": "Eve"}));
    let why = "the policies `org.cedar:11`, `strangers` forbid it".to_owned();
    let found = denial("bank", "send_money", &facts(&both));
    assert_eq!(found, Some(("org.cedar:11, strangers".into(), why)));
}

#[test]
fn what_cannot_be_decided_is_denied_where_a_policy_speaks_of_it() {
    let odd = with(json!({"amount": 0.00001}));
    let why = "cannot be evaluated: `amount` has more than four decimal places".to_owned();
    let found = denial("bank", "send_money", &facts(&odd));
    assert_eq!(found, Some(("org.cedar:11".into(), why)));
    let times = with(json!({"times": u64::MAX}));
    assert_eq!(denial("bank", "send_money", &facts(&times)), None);
    let mut missing = with(json!({}));
    missing.shift_remove("recipient");
    let (ids, why) = denial("bank", "send_money", &facts(&missing)).unwrap();
    assert_eq!(ids, "strangers");
    assert!(why.starts_with("cannot be evaluated: "), "{why}");
    // The policies of one tool say nothing of another.
    let list = map(json!({"path": "/", "amount": 0.00001}));
    assert_eq!(denial("files", "list", &facts(&list)), None);
    let why = "the policies were not checked for it".to_owned();
    let found = denial("files", "remove", &facts(&list));
    assert_eq!(found, Some((String::new(), why)));
}

#[test]
fn what_no_policy_permits_is_denied() {
    let checked = check("permit(principal, action in Action::\"files\", resource);").unwrap();
    let good = with(json!({}));
    let denial = checked
        .allows("bank", "send_money", &facts(&good))
        .unwrap_err();
    assert_eq!(denial.why, "no policy permits it");
    assert!(denial.policies.is_empty());
    let list = map(json!({"path": "/"}));
    assert!(checked.allows("files", "list", &facts(&list)).is_ok());
    let none = check("").unwrap();
    assert!(none.allows("files", "list", &facts(&list)).is_err());
}

#[test]
fn a_policy_may_speak_of_what_only_some_tools_have() {
    let text = "forbid(principal, action, resource) when { context.args has depth && context.args.depth > 3 };";
    check(text).unwrap_or_else(|e| panic!("{e:?}"));
    let found =
        refusal("permit(principal, action, resource)\nwhen { context.args.path == \"/\" };");
    let expected =
        "org.cedar:2:21: `path` is no argument of `bank/send_money`; hint: its arguments are ";
    assert!(
        found.starts_with(expected) && !found.contains('\n'),
        "{found}"
    );
}

#[test]
fn a_fault_is_told_with_its_place() {
    for (text, expected) in [
        (
            "permit(principal, action, resource);\nforbid(principal, action == Action::\"bank/send_money\", resource)\nwhen { context.args.amount > 100 };",
            "org.cedar:3:21: `amount` is a `decimal`, which `>` does not compare; hint: write `context.args.amount.greaterThan(decimal(\"100.0\"))`",
        ),
        (
            "forbid(principal, action == Action::\"files/list\", resource)\nwhen { context.args.depth > 100 };",
            "org.cedar:2:21: `depth` of `files/list` may be absent; hint: write `context.args has depth && ...`, or `if context.args has depth then ... else true`",
        ),
        (
            "forbid(principal, action in Action::\"label:egres\", resource);",
            "org.cedar:1:44: there is no label `egres`; hint: did you mean `egress`?",
        ),
        (
            "permit(principal, action, resource) when { context == {} };",
            "org.cedar:1:44: `context` can only be used with a field; hint: write for example `context.args`",
        ),
        (
            "permit(principal, action, resource);\npermit(principal, action, resource",
            "org.cedar:2:35: these are no Cedar policies: unexpected end of input",
        ),
        (
            "\npermit(principal == ?principal, action, resource);",
            "org.cedar:2:1: policies with slots cannot be used; hint: write a policy without `?principal` and `?resource`",
        ),
    ] {
        assert_eq!(refusal(text), expected);
    }
}
