//! Every way in which a condition is refused, as a person reads it: `? ` is the condition, what follows is the answer.

use super::refusal;

const REFUSALS: &str = r#"
? context.args.recipiant == "Alice"
grants.toml:7 (column 14 of the condition): `recipiant` is no argument of `bank/send_money`
hint: did you mean `recipient`?

? context.arg.recipient == "Alice"
grants.toml:7 (column 9 of the condition): conditions know no `context.arg`
hint: did you mean `context.args`?

? context.args.to.nam == "Bob"
grants.toml:7 (column 17 of the condition): `context.args.to` has no field `nam`
hint: did you mean `name`?

? context.args.zzzzzz == "Bob"
grants.toml:7 (column 14 of the condition): `zzzzzz` is no argument of `bank/send_money`
hint: its arguments are `kind`, `amount`, `recipient`, `times`, `urgent`, `state`, `level`, `cc`, `to`, `start-date`, `note`, `filters`, ...

? context.sets.payes.contains(context.args.recipient)
grants.toml:7 (column 14 of the condition): there is no set `payes`
hint: did you mean `payees`?

? context.sets.friends.contains(context.args.recipient)
grants.toml:7 (column 14 of the condition): there is no set `friends`
hint: write it into the grants file:
[sets]
friends = ["..."]

? !context.read.contains("untrused")
grants.toml:7 (column 25 of the condition): there is no label `untrused`
hint: did you mean `untrusted`?

? context.read.containsAny(["private", "secret"])
grants.toml:7 (column 39 of the condition): there is no label `secret`
hint: the labels are `untrusted`, `private`, `egress`

? context.stated.recipiant
grants.toml:7 (column 16 of the condition): `recipiant` is no argument of `bank/send_money`
hint: did you mean `recipient`?

? context.args has cs
grants.toml:7 (column 18 of the condition): `cs` is no argument of `bank/send_money`
hint: did you mean `cc`?

? context.args.cc.contains("x")
grants.toml:7 (column 14 of the condition): `cc` of `bank/send_money` may be absent
hint: write `context.args has cc && ...`, or `if context.args has cc then ... else true`

? context.args["start-date"] == "x"
grants.toml:7 (column 15 of the condition): `start-date` of `bank/send_money` may be absent
hint: write `context.args has "start-date" && ...`, or `if context.args has "start-date" then ... else true`

? context.args.to.email == "x"
grants.toml:7 (column 17 of the condition): `email` of `context.args.to` may be absent
hint: write `context.args.to has email && ...`, or `if context.args.to has email then ... else true`

? context.args.amount < 100
grants.toml:7 (column 14 of the condition): `amount` is a `decimal`, which `<` does not compare
hint: write `context.args.amount.lessThan(decimal("100.0"))`

? context.args.amount <= -100
grants.toml:7 (column 14 of the condition): `amount` is a `decimal`, which `<=` does not compare
hint: write `context.args.amount.lessThanOrEqual(decimal("-100.0"))`

? 100 > context.args.amount
grants.toml:7 (column 20 of the condition): `amount` is a `decimal`, which `<` does not compare
hint: write `context.args.amount.lessThan(decimal("100.0"))`

? context.args.amount == 100
grants.toml:7 (column 14 of the condition): `amount` is a `decimal`, which is never equal to the integer `100`
hint: write `context.args.amount == decimal("100.0")`

? context.args.amount <= decimal("100.0")
grants.toml:7 (column 14 of the condition): `amount` is a `decimal`, which `<=` does not compare
hint: write `context.args.amount.lessThanOrEqual(decimal("100.0"))`

? context.args.amount <= 100.5
grants.toml:7 (column 28 of the condition): this is no Cedar expression: unexpected token `5`
hint: a number with a fraction is written `decimal("100.5")`

? context.args.state == "opne"
grants.toml:7 (column 24 of the condition): "opne" is no value of `state`
hint: did you mean "open"?

? ["open", "shut"].contains(context.args.state)
grants.toml:7 (column 11 of the condition): "shut" is no value of `state`
hint: its values are "open", "closed", "held"

? context.args has level && context.args.level == 7
grants.toml:7: 7 is no value of `level`
hint: its values are 1, 2, 3

? context.args has filters && context.args.filters.x == 1
grants.toml:7 (column 18 of the condition): conditions cannot look into `filters` of `bank/send_money`, since its schema says nothing of its inside
hint: what can be asked is whether the person named it: `context.stated.filters`

? context.args.headers.x == 1
grants.toml:7 (column 14 of the condition): conditions cannot look into `headers` of `bank/send_money`, since its schema says nothing of its inside
hint: what can be asked is whether the person named it: `context.stated.headers`

? context.args.amount
grants.toml:7 (column 1 of the condition): the condition is a `decimal`, which is neither true nor false
hint: compare it with something: `context.args.amount.lessThanOrEqual(decimal("100.0"))`

? context.args.recipient
grants.toml:7 (column 1 of the condition): the condition is a `String`, which is neither true nor false
hint: compare it with something: `context.args.recipient == ...`

? context.args.to
grants.toml:7 (column 1 of the condition): the condition is a `Record`, which is neither true nor false
hint: compare it with something: `context.args.to has ...`

? if true then 1 else 2
grants.toml:7 (column 1 of the condition): the condition is neither true nor false
hint: compare it with something

? context.args.urgent &&
grants.toml:7 (column 23 of the condition): this is no Cedar expression: unexpected end of input

? context.args.state = "open"
grants.toml:7 (column 1 of the condition): this is no Cedar expression: '=' is not a valid operator in Cedar
hint: `==` compares

? context.args.urgent and true
grants.toml:7 (column 21 of the condition): this is no Cedar expression: unexpected token `and`
hint: `&&` is and, `||` is or, `!` is not

? true }; permit(principal, action, resource) when { true
grants.toml:7 (column 6 of the condition): this is no Cedar expression: unexpected token `}`

? true } unless { false
grants.toml:7 (column 6 of the condition): this is no Cedar expression: unexpected token `}`

? 
grants.toml:7 (column 1 of the condition): this is no Cedar expression: unexpected end of input

? false
grants.toml:7: the condition can never hold

? context.args has zzz && context.args.zzz == 1
grants.toml:7: the condition can never hold
hint: `zzz` is no argument of `bank/send_money`

? context.args.zzz == 1 || context.args has zzz
grants.toml:7 (column 14 of the condition): `zzz` is no argument of `bank/send_money`
hint: its arguments are `kind`, `amount`, `recipient`, `times`, `urgent`, `state`, `level`, `cc`, `to`, `start-date`, `note`, `filters`, ...

? context == context
grants.toml:7 (column 1 of the condition): `context` can only be used with a field
hint: write for example `context.args`

? {a: context}.a == context
grants.toml:7 (column 5 of the condition): `context` can only be used with a field
hint: write for example `context.args`

? context.args.recipient == 3
grants.toml:7 (column 1 of the condition): the types Long and String are not compatible
hint: both operands to a `==` expression must have compatible types. Types must be exactly equal to be compatible

? context.args.times + "a" == 3
grants.toml:7 (column 22 of the condition): unexpected type: expected Long but saw String
hint: Cedar does not support string concatenation

? foo(3)
grants.toml:7 (column 1 of the condition): this is no Cedar expression: `foo` is not a valid function

? principal == User::"x"
grants.toml:7 (column 14 of the condition): unrecognized entity type `User`

? context.args.recipient.contains("x")
grants.toml:7 (column 1 of the condition): unexpected type: expected Set but saw String
hint: try using `like` to examine the contents of a string

? context.args has key && context.args.key.string == "a"
grants.toml:7 (column 42 of the condition): `string` of `context.args.key` may be absent
hint: write `context.args.key has string && ...`, or `if context.args.key has string then ... else true`

? context.args.to.name.length > 3
grants.toml:7 (column 1 of the condition): unexpected type: expected a record but saw String
"#;

#[test]
fn a_refusal_says_where_what_and_what_to_write() {
    let mut differ = String::new();
    for case in REFUSALS.split("\n? ").skip(1) {
        let (text, expected) = case.split_once('\n').unwrap();
        let found = refusal(text);
        if found != expected.trim_end() {
            differ.push_str(&format!("? {text}\n{found}\n\n"));
        }
    }
    assert!(differ.is_empty(), "not as expected:\n{differ}");
}

#[test]
fn a_longer_condition_has_lines() {
    assert_eq!(
        refusal("context.args.urgent &&\n  context.args.recipiant == 3"),
        "grants.toml:7 (line 2, column 16 of the condition): `recipiant` is no argument of `bank/send_money`\nhint: did you mean `recipient`?"
    );
}
