//! Components that no builder of ours makes: other views, components within components, and what they say they were built
//! against. A view is no capability of its own, and nothing hides from admission.

use witgate_codegen::built::{BuiltAgainst, BuiltTool, SECTION, VERSION};
use witgate_host::{Limits, Prepared, Program, Refusal};
use witgate_tests::components;

use crate::bypass::suite;
use crate::ground::{Ground, program, rules};

const PING: &str = "[[grant]]\nserver = 'suite'\ntools = ['ping']\n";
const JSON: &str = "interface json { use witgate:runtime/types@0.1.0.{json, tool-error}; ping: async func(args: json) -> result<json, tool-error>; }";
const TOOLS: &str = "interface tools { use witgate:runtime/types@0.1.0.{json, tool-error}; ping: async func() -> result<json, tool-error>; }";

/// A component with these interfaces of `mcp:suite` among its imports, whose functions do nothing.
fn component(interfaces: &[(&str, &str)]) -> Vec<u8> {
    let imports: String = interfaces
        .iter()
        .map(|(name, _)| format!("import mcp:suite/{name};\n"))
        .collect();
    let texts: String = interfaces.iter().map(|(_, text)| *text).collect();
    let package = match interfaces {
        [] => String::new(),
        _ => format!("package mcp:suite {{ {texts} }}"),
    };
    let world = format!(
        "package test:hand; world hand {{ include witgate:runtime/program@0.1.0; {imports} }} {package}"
    );
    components::component(&world).unwrap()
}

fn admitted(ground: &Ground, bytes: &[u8], grants: &str) -> Result<Prepared, Refusal> {
    let program = Program::load(&ground.host, bytes).unwrap();
    let plan = ground.admit(&program, &rules(grants), &Limits::default())?;
    Ok(Prepared::new(&ground.host, &program, plan, &ground.definitions).unwrap())
}

fn refused(ground: &Ground, bytes: &[u8], grants: &str) -> Vec<String> {
    let refusal = admitted(ground, bytes, grants).map(|_| ()).unwrap_err();
    let reasons = refusal.reasons.into_iter();
    reasons
        .map(|reason| format!("{}: {}", reason.import, reason.message))
        .collect()
}

#[tokio::test]
async fn both_views_of_a_tool_are_one_capability() {
    let ground = suite().await;
    let both: &[(&str, &str)] = &[("json", JSON), ("tools", TOOLS)];
    for views in [&both[..1], &both[1..], both] {
        let bytes = component(views);
        assert_eq!(
            refused(&ground, &bytes, ""),
            ["suite/ping: no grant allows it"]
        );
        let other = "[[grant]]\nserver = 'suite'\ntools = ['read_page']";
        assert_eq!(
            refused(&ground, &bytes, other),
            ["suite/ping: no grant allows it"]
        );
        let program = Program::load(&ground.host, &bytes).unwrap();
        let plan = ground
            .admit(&program, &rules(PING), &Limits::default())
            .unwrap();
        // One tool, and so one budget and one set of rules, whatever it is called through.
        assert_eq!((plan.tools.len(), plan.imports.len()), (1, views.len()));
        Prepared::new(&ground.host, &program, plan, &ground.definitions).unwrap();
    }
    assert_eq!(ground.reached(), []);
}

#[tokio::test]
async fn one_interface_gives_no_leave_for_what_stands_beside_it() {
    let ground = suite().await;
    let more = JSON.replace(
        "ping: async",
        "remove: async func(args: json) -> result<json, tool-error>; ping: async",
    );
    let bytes = component(&[("json", &more)]);
    assert_eq!(
        refused(&ground, &bytes, PING),
        ["suite/remove: no grant allows it"]
    );
    // Spelled as on the wire, or in another case, it is no tool at all.
    for name in ["orderby", "order-by-7", "write-notes"] {
        let other = JSON.replace("ping", name);
        let bytes = component(&[("json", &other)]);
        let all = "[[grant]]\nserver = '*'\ntools = ['*']";
        assert!(refused(&ground, &bytes, all)[0].contains(name));
    }
}

#[tokio::test]
async fn a_component_within_a_component_has_no_imports_of_its_own() {
    let ground = suite().await;
    let (plain, calls) = (component(&[]), component(&[("json", JSON)]));
    // One that only lies there is given nothing and does nothing.
    let mut lies = plain.clone();
    nest(&mut lies, &calls);
    let program = Program::load(&ground.host, &lies).unwrap();
    let plan = ground
        .admit(&program, &rules(""), &Limits::default())
        .unwrap();
    assert_eq!((plan.tools.len(), plan.imports.len()), (0, 0));
    // One that is to live without what it imports is not valid.
    let mut starves = plain.clone();
    let nested = nest(&mut starves, &calls);
    instantiate(&mut starves, nested, &[]);
    let error = Program::load(&ground.host, &starves)
        .map(|_| ())
        .unwrap_err();
    assert!(error.to_string().contains("missing import"), "{error}");
    // One that is given a tool has it from the outer one, whose import it then is.
    let mut given = calls.clone();
    let nested = nest(&mut given, &importing("mcp:suite/json"));
    let at = instance(&given, "mcp:suite/json");
    instantiate(&mut given, nested, &[("mcp:suite/json", at)]);
    assert_eq!(
        refused(&ground, &given, ""),
        ["suite/ping: no grant allows it"]
    );
    admitted(&ground, &given, PING).map(|_| ()).unwrap();
    assert_eq!(ground.reached(), []);
}

#[tokio::test]
async fn a_component_that_was_built_against_another_catalog_is_refused() {
    let ground = suite().await;
    let source = program("ping", "return ping();");
    let built = ground.build(&source).unwrap().to_bytes();
    let program = Program::load(&ground.host, &built).unwrap();
    let imports = program.imports(&ground.host, &ground.definitions);
    let import = &imports.tools[0];
    let against = |definition: &str, shape: &str| BuiltAgainst {
        version: VERSION,
        tools: vec![BuiltTool {
            interface: import.interface.clone(),
            function: import.function.clone(),
            tool: import.tool.clone(),
            definition: definition.to_owned(),
            shape: shape.to_owned(),
        }],
    };
    let says = |built_against: &BuiltAgainst| {
        let mut bytes = built.clone();
        append(&mut bytes, 0, &custom(SECTION, &built_against.to_json()));
        bytes
    };
    let live = &import.live;
    let other = "0".repeat(64);
    let none = BuiltAgainst {
        version: VERSION,
        tools: Vec::new(),
    };
    for (built_against, why) in [
        (against(&other, &live.shape), "description or schema"),
        (against(&live.definition, &other), "its types changed"),
        (against(&other, &other), "its types changed"),
        (none, "does not say against which definition"),
    ] {
        let reasons = refused(&ground, &says(&built_against), PING);
        assert!(
            reasons.len() == 1 && reasons[0].contains(why),
            "{reasons:?}"
        );
    }
    // To have been built against what is there gives no leave either.
    let sound = says(&against(&live.definition, &live.shape));
    admitted(&ground, &sound, PING).map(|_| ()).unwrap();
    assert_eq!(
        refused(&ground, &sound, ""),
        ["suite/ping: no grant allows it"]
    );
    assert_eq!(ground.reached(), []);
}

/// A number as WebAssembly writes it.
fn number(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn name(text: &str) -> Vec<u8> {
    [number(text.len()), text.as_bytes().to_vec()].concat()
}

fn custom(section: &str, data: &[u8]) -> Vec<u8> {
    [name(section), data.to_vec()].concat()
}

fn append(bytes: &mut Vec<u8>, id: u8, data: &[u8]) {
    bytes.push(id);
    bytes.extend(number(data.len()));
    bytes.extend(data);
}

/// Reads a number, and returns it with what follows.
fn read(bytes: &[u8]) -> (usize, &[u8]) {
    let (mut value, mut at) = (0, 0);
    loop {
        value |= usize::from(bytes[at] & 0x7f) << (7 * at);
        at += 1;
        if bytes[at - 1] & 0x80 == 0 {
            return (value, &bytes[at..]);
        }
    }
}

fn sections(bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut rest = &bytes[8..];
    let mut out = Vec::new();
    while let Some((id, after)) = rest.split_first() {
        let (length, data) = read(after);
        out.push((*id, &data[..length]));
        rest = &data[length..];
    }
    out
}

/// Puts a component into another and returns its index.
fn nest(bytes: &mut Vec<u8>, inner: &[u8]) -> usize {
    let before = sections(bytes).iter().filter(|(id, _)| *id == 4).count();
    append(bytes, 4, inner);
    before
}

/// Instantiates a nested component with these instances.
fn instantiate(bytes: &mut Vec<u8>, nested: usize, given: &[(&str, usize)]) {
    let mut data = [vec![1, 0], number(nested), number(given.len())].concat();
    for (import, instance) in given {
        data.extend(name(import));
        data.push(5);
        data.extend(number(*instance));
    }
    append(bytes, 5, &data);
}

/// A component that imports an instance of this name, of which it wants nothing.
fn importing(import: &str) -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    append(&mut bytes, 7, &[1, 0x42, 0]);
    append(
        &mut bytes,
        10,
        &[vec![1, 0], name(import), vec![5, 0]].concat(),
    );
    bytes
}

/// The index of an imported instance.
fn instance(bytes: &[u8], wanted: &str) -> usize {
    let mut instances = 0;
    for (_, data) in sections(bytes).into_iter().filter(|(id, _)| *id == 10) {
        let (count, mut rest) = read(data);
        for _ in 0..count {
            let (length, text) = read(&rest[1..]);
            let (name, what) = (&text[..length], &text[length..]);
            rest = match what[0] {
                3 if what[1] == 1 => &what[2..],
                3 => read(&what[2..]).1,
                0 => read(&what[2..]).1,
                _ => read(&what[1..]).1,
            };
            if what[0] == 5 {
                if name == wanted.as_bytes() {
                    return instances;
                }
                instances += 1;
            }
        }
    }
    panic!("no `{wanted}` is imported");
}
