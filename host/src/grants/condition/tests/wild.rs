//! Real tools, garbage, and what a decision costs.

use std::path::Path;

use super::*;
use witgate_codegen::catalog::parse_tools_list;

#[test]
fn every_tool_of_the_corpus_has_a_schema() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("skipped: no corpus beside the repository");
        return;
    };
    let sets = sets();
    let mut tools = 0;
    for file in files {
        let file = file.unwrap().path();
        let server = file.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let Ok(list) = parse_tools_list(&text) else {
            println!("no list of tools: {server}");
            continue;
        };
        let mut catalog = Catalog::default();
        let listed = Server {
            tools: list,
            ..Server::default()
        };
        catalog.servers.insert(server.clone(), listed);
        let definitions = Definitions::new(&catalog).unwrap();
        for model in definitions.models.iter().flat_map(|server| &server.tools) {
            let definition = definitions.get(&server, &model.tool).unwrap();
            let name = format!("{server}/{}", model.tool);
            let schema = ToolSchema::new(definition, &labels(), &sets)
                .unwrap_or_else(|e| panic!("{name}: {e}"));
            let checked = schema.check(&condition("true")).unwrap();
            let arguments = Map::new();
            let request = schema.request(&facts(&arguments));
            assert_eq!(checked.holds(&request), Ok(true), "{name}");
            // What is described can be spoken of.
            let lines = schema.describe();
            if let Some(line) = lines.iter().find(|line| line.starts_with("context.stated")) {
                let argument = line.trim_end_matches(": Bool");
                let checked = schema
                    .check(&condition(argument))
                    .unwrap_or_else(|e| panic!("{name}: {e:?}"));
                assert_eq!(checked.holds(&schema.request(&facts(&arguments))), Ok(true));
            }
            tools += 1;
        }
    }
    println!("{tools} tools");
    assert!(tools > 2_000, "{tools}");
}

#[test]
fn garbage_is_an_error_and_no_panic() {
    const WORDS: [&str; 43] = [
        "context.args.urgent",
        "context.sets.payees.contains(context.args.recipient)",
        "true",
        "context",
        ".",
        "args",
        "amount",
        "recipient",
        "cc",
        "has",
        "==",
        "<",
        "<=",
        "&&",
        "||",
        "!",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "\"open\"",
        "100",
        "-",
        "decimal(\"1.0\")",
        "if",
        "then",
        "else",
        "sets",
        "payees",
        ".contains(",
        "read",
        ",",
        "like",
        "in",
        "is",
        "Action::\"bank\"",
        "\n",
        "//",
        "é\u{0}",
        ":",
    ];
    let schema = schema();
    let arguments = with(json!({}));
    let request = schema.request(&facts(&arguments));
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut taken = 0;
    for _ in 0..4_000 {
        let words: Vec<&str> = (0..next(7)).map(|_| WORDS[next(WORDS.len())]).collect();
        let text = words.join(if next(2) == 0 { "" } else { " " });
        if let Ok(checked) = schema.check(&condition(&text)) {
            let _ = checked.holds(&request);
            taken += 1;
        }
    }
    assert!(taken > 10, "{taken} were conditions");
    for deep in [
        "(",
        "[",
        "{a:",
        "!",
        "-",
        "if true then ",
        "true&&",
        "context.args.urgent||",
        "[context].contains(",
        "context.",
        "1+",
        "[",
        ".contains(",
    ] {
        let deepest = DEEPEST / depth(deep).max(1) - 1;
        for times in [deepest, LONGEST / deep.len()] {
            let text = format!("{}true", deep.repeat(times));
            let checked = schema.check(&condition(&text));
            let _ = checked.map(|checked| checked.holds(&request));
        }
    }
    let long = " ".repeat(LONGEST + 1);
    assert!(schema.check(&condition(&long)).is_err());
}

/// A figure to look at, no promise.
#[test]
fn what_a_decision_costs() {
    let properties = json!({
        "amount": {"type": "number"}, "recipient": {"type": "string"},
        "subject": {"type": "string"}, "date": {"type": "string"},
    });
    let required = json!(["amount", "recipient", "subject", "date"]);
    let input = json!({"type": "object", "properties": properties, "required": required});
    let arguments = map(json!({
        "amount": 12.5, "recipient": "Alice", "subject": "Rent", "date": "2027-01-31",
    }));
    let text = "context.args.amount.lessThanOrEqual(decimal(\"100.0\")) && context.sets.payees.contains(context.args.recipient)";
    let mut many = sets();
    let more = (0..1_000).map(|n| format!("payee {n}"));
    many.entry("payees".to_owned()).or_default().extend(more);
    let and_stated = format!("{text} && !context.stated.recipient");
    let and_now = format!("{text} && context.now > datetime(\"2020-01-01\")");
    for (label, sets, text) in [
        ("2 payees", sets(), text),
        ("1002 payees", many, text),
        ("and stated", sets(), &and_stated),
        ("and now", sets(), &and_now),
    ] {
        let tool = definition("bank", "pay", input.clone());
        let schema = ToolSchema::new(&tool, &labels(), &sets).unwrap();
        let checked = schema.check(&condition(text)).unwrap();
        let said = "Pay the rent for January to our landlord, please. ".repeat(20);
        let facts = Facts {
            request: Some(&said),
            ..facts(&arguments)
        };
        let mut times: Vec<(u128, u128)> = (0..2_000)
            .map(|_| {
                let start = std::time::Instant::now();
                let request = schema.request(&facts);
                let made = start.elapsed().as_nanos();
                assert_eq!(checked.holds(&request), Ok(true));
                (start.elapsed().as_nanos(), made)
            })
            .collect();
        times.sort_unstable();
        let (whole, request) = times[times.len() / 2];
        println!("{label}: p50 {whole} ns, of which the request {request} ns");
    }
}
