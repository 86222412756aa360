//! The tables made of the cases: README.md has a row for each construct, `tests/cases/README.md` one for each case. A cell is
//! what the case's schema, WIT and TypeScript say of the shown fields, with the types that these name. Nothing is judged here.

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use witgate_codegen::dts;
use witgate_codegen::model::{ServerModel, ToolModel, Type, TypeDef, TypeKind};
use witgate_codegen::names::pascal_case;
use witgate_tests::workspace;

use super::{Case, Part, Row, SERVER, compare, print_typed};

const BEGIN: &str = "<!-- made of tests/cases by its test: begin -->\n";
const END: &str = "<!-- made of tests/cases by its test: end -->\n";

/// Holds both tables against the cases; `WITGATE_BLESS` writes them.
pub(crate) fn check(cases: &[Case]) -> anyhow::Result<()> {
    let readme = workspace::root().join("README.md");
    let text = std::fs::read_to_string(&readme)?;
    let (before, rest) = text
        .split_once(BEGIN)
        .with_context(|| format!("README.md has no `{}`", BEGIN.trim()))?;
    let (_, after) = rest
        .split_once(END)
        .with_context(|| format!("README.md has no `{}`", END.trim()))?;
    let constructs = constructs(cases)?;
    let mut wrong = compare(&readme, &format!("{before}{BEGIN}{constructs}{END}{after}"))?;
    let all = workspace::root().join("tests/cases/README.md");
    wrong.push_str(&compare(&all, &every_case(cases)?)?);
    ensure!(wrong.is_empty(), "\n{wrong}");
    Ok(())
}

fn constructs(cases: &[Case]) -> anyhow::Result<String> {
    let mut out = String::from("| JSON Schema | WIT | TypeScript | |\n|---|---|---|---|\n");
    for case in cases {
        if let Some(row) = &case.about.row {
            let cells = cells(case, row).with_context(|| format!("tests/cases/{}", case.name))?;
            let note = case.about.note.as_deref().unwrap_or_default();
            writeln!(
                out,
                "| {}<br>{} | {} | {} | {note} |",
                case.about.title,
                spans(&cells.schema),
                spans(&cells.wit),
                spans(&cells.typescript),
            )?;
        }
    }
    Ok(out)
}

fn every_case(cases: &[Case]) -> anyhow::Result<String> {
    let mut out = String::from(
        "# Cases\n\nMade of the folders by `tests/cases.rs`, which says what their files are. Losses are the keywords that the \
         types do not carry;\nthe host holds every value against the original schema all the same.\n",
    );
    let mut part: Option<Part> = None;
    for case in cases {
        if part != Some(case.about.part) {
            part = Some(case.about.part);
            write!(
                out,
                "\n## {:?}\n\n| case | what it shows | losses |\n|---|---|---|\n",
                case.about.part
            )?;
        }
        let mut losses: Vec<String> = Vec::new();
        for loss in &case.model().losses {
            let keyword = format!("`{}`", loss.keyword);
            if !losses.contains(&keyword) {
                losses.push(keyword);
            }
        }
        let note = match &case.about.note {
            Some(note) => format!(": {note}"),
            None => String::new(),
        };
        let (name, title) = (&case.name, &case.about.title);
        writeln!(
            out,
            "| [{name}]({name}) | {title}{note} | {} |",
            losses.join(", ")
        )?;
    }
    Ok(out)
}

/// Lines of code as one cell.
fn spans(lines: &[String]) -> String {
    let spans = lines
        .iter()
        .map(|line| format!("`{}`", line.replace('|', "\\|")));
    spans.collect::<Vec<_>>().join("<br>")
}

/// What a row shows, line by line.
struct Cells {
    schema: Vec<String>,
    wit: Vec<String>,
    typescript: Vec<String>,
}

fn cells(case: &Case, row: &Row) -> anyhow::Result<Cells> {
    let model = case.model();
    let tool = model.tools.first().context("no tool")?;
    let definition = case
        .definitions
        .get(SERVER, &tool.tool)
        .context("no tool")?;
    let none = Value::Null;
    let (schema, ty) = match row.side.as_str() {
        "input" => (&definition.tool.input_schema, tool.input.as_ref()),
        _ => (
            definition.tool.output_schema.as_ref().unwrap_or(&none),
            Some(&tool.output),
        ),
    };
    let (wit, declared) = (print_typed(model), dts::declare_server(model));
    let mut cells = Cells {
        schema: Vec::new(),
        wit: Vec::new(),
        typescript: Vec::new(),
    };
    let mut named: Vec<usize> = Vec::new();
    if row.fields.is_empty() {
        cells.schema.push(match schema {
            Value::Null => "-".to_string(),
            schema => short(schema)?,
        });
        whole(tool, model, &wit, &declared, &mut cells)?;
        for ty in tool.input.iter().chain([&tool.output]) {
            ty.each_def(&mut |index| named.push(index));
        }
    }
    for wire in &row.fields {
        let property = schema.get("properties").and_then(|all| all.get(wire));
        let property = property.with_context(|| format!("no property `{wire}`"))?;
        cells.schema.push(short(property)?);
        if let Some(reference) = property.get("$ref").and_then(Value::as_str) {
            let target = schema.pointer(reference.trim_start_matches('#'));
            let target = short(target.with_context(|| format!("no `{reference}`"))?)?;
            cells.schema.push(format!("{reference}: {target}"));
        }
        let Some(Type::Def(index)) = ty else {
            anyhow::bail!("the schema is no record")
        };
        let record = &tool.defs[*index];
        let TypeKind::Record { fields, .. } = &record.kind else {
            anyhow::bail!("the schema is no record")
        };
        let field = fields.iter().find(|field| field.wire == *wire);
        let field = field.with_context(|| format!("no field `{wire}`"))?;
        field.ty.each_def(&mut |index| named.push(index));
        let (wit, declared) = (
            block(&wit, &record.wit)?,
            block(&declared, &pascal_case(&record.wit))?,
        );
        cells.wit.push(line(&wit, &field.wit)?);
        cells.typescript.push(line(&declared, wire)?);
    }
    let mut shown: Vec<usize> = Vec::new();
    while !named.is_empty() {
        let index = named.remove(0);
        if !shown.contains(&index) {
            shown.push(index);
            let def: &TypeDef = &tool.defs[index];
            cells
                .wit
                .push(block(&wit, &def.wit)?.join(" ").replace(", }", " }"));
            cells
                .typescript
                .push(block(&declared, &pascal_case(&def.wit))?.join(" "));
            def.kind
                .each_type(&mut |ty| ty.each_def(&mut |index| named.push(index)));
        }
    }
    let mut seen = Vec::new();
    cells.schema.retain(|line| {
        let new = !seen.contains(line);
        seen.push(line.clone());
        new
    });
    Ok(cells)
}

/// The lines of the tool's function.
fn whole(
    tool: &ToolModel,
    model: &ServerModel,
    wit: &str,
    declared: &str,
    cells: &mut Cells,
) -> anyhow::Result<()> {
    let find = |text: &str, start: &str| {
        let line = text
            .lines()
            .map(|line| line.trim().trim_start_matches('%'))
            .find(|line| line.starts_with(start));
        line.map(str::to_string)
            .with_context(|| format!("no `{start}`"))
    };
    cells
        .wit
        .push(find(wit, &format!("{}: async func", tool.wit))?);
    let names = dts::js_names(model, tool);
    let name = names.first().context("no name")?;
    let function = find(declared, &format!("export function {name}("))?;
    cells
        .typescript
        .push(function.trim_start_matches("export function ").to_string());
    Ok(())
}

/// A schema as it is, without what only documents it.
fn short(schema: &Value) -> anyhow::Result<String> {
    let mut schema = schema.clone();
    if let Some(map) = schema.as_object_mut() {
        map.remove("description");
    }
    Ok(serde_json::to_string(&schema)?
        .replace("\":", "\": ")
        .replace(",\"", ", \""))
}

/// The definition of a type in a printed text: its lines, trimmed, without comments.
fn block(text: &str, name: &str) -> anyhow::Result<Vec<String>> {
    let heads = ["record", "enum", "variant", "interface", "type"];
    let starts = |line: &str| {
        let mut words = line.trim_start_matches("export ").split([' ', '<']);
        words.next().is_some_and(|word| heads.contains(&word))
            && words
                .next()
                .is_some_and(|word| word.trim_start_matches('%') == name)
    };
    let mut lines = text.lines().skip_while(|line| !starts(line.trim()));
    let first = lines
        .next()
        .with_context(|| format!("no type `{name}`"))?
        .trim()
        .trim_start_matches("export ");
    let mut block = vec![first.to_string()];
    let end = if first.ends_with('{') { "}" } else { ";" };
    while !block[block.len() - 1].ends_with(end) {
        let line = lines.next().context("the type has no end")?.trim();
        if !["///", "/**", "*"]
            .iter()
            .any(|comment| line.starts_with(comment))
        {
            block.push(line.to_string());
        }
    }
    Ok(block)
}

/// The line of a block that declares this field.
fn line(block: &[String], name: &str) -> anyhow::Result<String> {
    let quoted = format!("\"{name}\"");
    let found = block.iter().find(|line| {
        let (before, _) = line.split_once(": ").unwrap_or_default();
        let before = before.trim_end_matches('?').trim_start_matches('%');
        before == name || before == quoted
    });
    let found = found.with_context(|| format!("no field `{name}`"))?;
    Ok(found.trim_end_matches([',', ';']).to_string())
}
