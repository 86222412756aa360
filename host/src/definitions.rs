//! What the host knows of every tool: its definition as the server sent it, its model (which is also the plan by which
//! values are converted), and validators of the original schemas, compiled at first use.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jsonschema::{Validator, ValidatorMap};
use serde_json::Value;
use wasmtime::component::Val;
use witgate_codegen::catalog::{Catalog, Tool};
use witgate_codegen::model::{ServerModel, ToolModel, Type};
use witgate_codegen::overrides::{Effective, ToolOverride, effective};
use witgate_codegen::server::{ModelError, model_catalog};

use crate::values::{self, Misfit, Shapes};

/// Every tool of a catalog, ready for use. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    /// The modelled servers, in the order of the catalog.
    pub models: Arc<Vec<ServerModel>>,
    tools: Arc<HashMap<(String, String), Arc<Definition>>>,
}

/// One tool.
#[derive(Debug)]
pub struct Definition {
    /// The server's name in the configuration.
    pub server: String,
    /// As the server sent it.
    pub tool: Tool,
    /// What a person put in place of its schemas.
    pub overridden: Option<ToolOverride>,
    /// As modelled.
    pub model: ToolModel,
    input: OnceLock<Compiled>,
    output: OnceLock<Compiled>,
    /// Every place of the two schemas, for unions that only these tell apart.
    input_places: OnceLock<Option<ValidatorMap>>,
    output_places: OnceLock<Option<ValidatorMap>>,
}

/// A schema made ready, once.
#[derive(Debug)]
struct Compiled {
    validator: Result<Arc<Validator>, String>,
    /// It is read as draft-07 although it does not say so.
    old_draft: bool,
    /// References make it larger than it looks, so that validating may take long.
    heavy: bool,
    /// It took too long once and is not tried again.
    given_up: Arc<AtomicBool>,
}

/// Longest time one validation may take.
const VALIDATION_TIME: Duration = Duration::from_secs(2);

/// Schema places, references followed, up to which a schema is validated in place.
const LIGHT: usize = 5_000;

/// How a value breaks a schema. Names fields, never values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer into the value; empty for the whole.
    pub at: String,
    /// What is wrong, without the value itself.
    pub why: String,
}

impl Definitions {
    /// Models a catalog.
    ///
    /// # Errors
    /// When two servers or tools cannot be told apart by name.
    pub fn new(catalog: &Catalog) -> Result<Definitions, ModelError> {
        let models = model_catalog(catalog)?;
        let mut tools = HashMap::new();
        for server in &models {
            let Some(source) = catalog.servers.get(&server.server) else {
                continue;
            };
            for model in &server.tools {
                let Some(tool) = source.tools.iter().find(|t| t.name == model.tool) else {
                    continue;
                };
                let definition = Definition {
                    server: server.server.clone(),
                    tool: tool.clone(),
                    overridden: source.overrides.get(&model.tool).cloned(),
                    model: model.clone(),
                    input: OnceLock::new(),
                    output: OnceLock::new(),
                    input_places: OnceLock::new(),
                    output_places: OnceLock::new(),
                };
                tools.insert(
                    (server.server.clone(), model.tool.clone()),
                    Arc::new(definition),
                );
            }
        }
        Ok(Definitions {
            models: Arc::new(models),
            tools: Arc::new(tools),
        })
    }

    /// The definition of a tool by its names on the wire.
    #[must_use]
    pub fn get(&self, server: &str, tool: &str) -> Option<&Arc<Definition>> {
        self.tools.get(&(server.to_owned(), tool.to_owned()))
    }
}

impl Definition {
    /// The schemas that hold: the server's own, or what overrides them.
    #[must_use]
    pub fn schemas(&self) -> Effective<'_> {
        effective(&self.tool, self.overridden.as_ref())
    }

    pub(crate) fn output_schema(&self) -> Option<&Value> {
        self.schemas().output
    }

    /// Holds arguments against the input schema.
    ///
    /// # Errors
    /// The first violation; for unknown and missing keys, all of one object.
    pub async fn check_arguments(&self, arguments: &Value) -> Result<(), Violation> {
        let schema = self.schemas().input;
        check(
            self.input.get_or_init(|| compile(schema)),
            schema,
            arguments,
        )
        .await
    }

    /// Holds a result against the output schema; any value passes where there is none.
    ///
    /// # Errors
    /// The first violation.
    pub async fn check_result(&self, result: &Value) -> Result<(), Violation> {
        let Some(schema) = self.output_schema() else {
            return Ok(());
        };
        check(self.output.get_or_init(|| compile(schema)), schema, result).await
    }

    /// Whether a value fits the schema at this pointer of the definition (`/inputSchema/properties/a/anyOf/0`). A schema
    /// that is too large to be asked in place is taken to fit everything.
    pub(crate) fn fits(&self, pointer: &str, value: &Value) -> bool {
        let (places, schema, compiled, at) = if let Some(at) = pointer.strip_prefix("/inputSchema")
        {
            let schema = Some(self.schemas().input);
            (&self.input_places, schema, &self.input, at)
        } else {
            let schema = self.output_schema();
            let at = pointer.strip_prefix("/outputSchema").unwrap_or(pointer);
            (&self.output_places, schema, &self.output, at)
        };
        let Some(schema) = schema else { return true };
        let places = places.get_or_init(|| {
            let compiled = compiled.get_or_init(|| compile(schema));
            let map = || options(compiled.old_draft).build_map(schema).ok();
            if compiled.heavy { None } else { map() }
        });
        match places.as_ref().and_then(|map| map.get(&format!("#{at}"))) {
            Some(validator) => validator.is_valid(value),
            None => true,
        }
    }

    /// A JSON value as a guest holds it.
    ///
    /// # Errors
    /// When the value does not fit the type.
    pub(crate) fn guest_value(&self, value: &Value, ty: &Type) -> Result<Val, Misfit> {
        let shapes = Shapes {
            defs: &self.model.defs,
            fits: &|pointer, value| self.fits(pointer, value),
        };
        values::from_json(value, ty, shapes)
    }

    /// Why the schemas cannot be used for validation, if so: the person is told, and calls of the tool fail.
    #[must_use]
    pub fn schema_fault(&self) -> Option<&str> {
        let input = self.input.get_or_init(|| compile(self.schemas().input));
        let output = self
            .output_schema()
            .map(|schema| self.output.get_or_init(|| compile(schema)));
        [Some(input), output]
            .into_iter()
            .flatten()
            .find_map(|c| c.validator.as_ref().err())
            .map(String::as_str)
    }
}

fn options(old_draft: bool) -> jsonschema::ValidationOptions<'static> {
    let options = jsonschema::options();
    if old_draft {
        options.with_draft(jsonschema::Draft::Draft7)
    } else {
        options
    }
}

fn compile(schema: &Value) -> Compiled {
    let heavy = expansion(schema, schema, &mut Vec::new(), LIGHT).is_none();
    let mut built = options(false).build(schema);
    let mut old_draft = false;
    // Who names no draft may still write one of old, where `items` is a list; MCP means 2020-12.
    if built.is_err()
        && schema.get("$schema").is_none()
        && let Ok(validator) = options(true).build(schema)
    {
        (built, old_draft) = (Ok(validator), true);
    }
    let validator = built.map(Arc::new).map_err(|e| fault(&e));
    Compiled {
        validator,
        old_draft,
        heavy,
        given_up: Arc::default(),
    }
}

fn fault(error: &jsonschema::ValidationError<'_>) -> String {
    use jsonschema::error::ValidationErrorKind as K;
    match error.kind() {
        K::Referencing(_) => "the tool's schema refers to a place that is not in it".to_owned(),
        // The instance is the schema, held against what schemas must be.
        _ => format!(
            "the tool's schema is not valid at `{}`",
            clip(&error.instance_path().to_string())
        ),
    }
}

/// Places of a schema with references followed; `None` where these are more than `budget`, or where it refers to itself.
fn expansion(root: &Value, schema: &Value, open: &mut Vec<String>, budget: usize) -> Option<usize> {
    let mut count = 1_usize;
    let mut add = |part: Option<usize>| {
        count = count.checked_add(part?)?;
        (count <= budget).then_some(())
    };
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                match value.as_str() {
                    Some(reference) if key.ends_with("ef") && key.starts_with('$') => {
                        if open.len() > 64 || open.iter().any(|o| o == reference) {
                            return None;
                        }
                        let pointer = reference.strip_prefix('#').unwrap_or(reference);
                        if let Some(target) = root.pointer(pointer) {
                            open.push(reference.to_owned());
                            add(expansion(root, target, open, budget))?;
                            open.pop();
                        }
                    }
                    _ if key == "$defs" || key == "definitions" => {}
                    _ => add(expansion(root, value, open, budget))?,
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                add(expansion(root, item, open, budget))?;
            }
        }
        _ => {}
    }
    Some(count)
}

async fn check(compiled: &Compiled, schema: &Value, value: &Value) -> Result<(), Violation> {
    let whole = |why: String| Violation {
        at: String::new(),
        why,
    };
    let validator = compiled
        .validator
        .as_ref()
        .map_err(|why| whole(why.clone()))?;
    if !compiled.heavy {
        return validator
            .validate(value)
            .map_err(|e| violation(&e, schema, value));
    }
    // A hostile schema can make validation take for ever. It then runs apart and is given up after a while; the thread
    // that is lost with it is the only one that this schema gets.
    let too_long =
        || whole("cannot be validated: the tool's schema takes too long to evaluate".into());
    if compiled.given_up.load(Ordering::Relaxed) {
        return Err(too_long());
    }
    let (validator, schema, value) = (Arc::clone(validator), schema.clone(), value.clone());
    let work = tokio::task::spawn_blocking(move || {
        validator
            .validate(&value)
            .map_err(|e| violation(&e, &schema, &value))
    });
    match tokio::time::timeout(VALIDATION_TIME, work).await {
        Ok(Ok(checked)) => checked,
        Ok(Err(_)) | Err(_) => {
            compiled.given_up.store(true, Ordering::Relaxed);
            Err(too_long())
        }
    }
}

fn violation(error: &jsonschema::ValidationError<'_>, schema: &Value, value: &Value) -> Violation {
    use jsonschema::error::ValidationErrorKind as K;
    let at = clip(&error.instance_path().to_string()).into_owned();
    let why = match error.kind() {
        K::AdditionalProperties { unexpected } | K::UnevaluatedProperties { unexpected } => {
            let known = known_keys(error, schema);
            unexpected
                .iter()
                .take(10)
                .map(|key| {
                    let near = nearest(key, &known);
                    format!("`{}` is not known{near}", clip(key))
                })
                .collect::<Vec<_>>()
                .join("; ")
        }
        K::Required { property } => {
            let first = property.as_str().unwrap_or("?");
            let missing = missing_keys(error, schema, value);
            match missing.as_slice() {
                [] | [_] => format!("`{first}` is missing"),
                keys => format!("{} are missing", keys.join(", ")),
            }
        }
        K::Type { kind } => format!("must be {}", type_names(kind)),
        K::Enum { options } => format!("must be one of {}", clip_long(&options.to_string())),
        K::Constant { expected_value } => {
            format!("must be {}", clip_long(&expected_value.to_string()))
        }
        K::Minimum { limit } => format!("must be at least {limit}"),
        K::Maximum { limit } => format!("must be at most {limit}"),
        K::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        K::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        K::MinLength { limit } => format!("must have at least {limit} characters"),
        K::MaxLength { limit } => format!("must have at most {limit} characters"),
        K::MinItems { limit } => format!("must have at least {limit} items"),
        K::MaxItems { limit } => format!("must have at most {limit} items"),
        K::Pattern { pattern } => format!("must match the pattern `{pattern}`"),
        K::Format { format } => format!("must be a valid `{format}`"),
        _ => format!("breaks the schema at `{}`", error.schema_path()),
    };
    Violation { at, why }
}

fn type_names(kind: &jsonschema::error::TypeKind) -> String {
    use jsonschema::error::TypeKind;
    match kind {
        TypeKind::Single(ty) => article(&ty.to_string()),
        TypeKind::Multiple(types) => types
            .iter()
            .map(|t| article(&t.to_string()))
            .collect::<Vec<_>>()
            .join(" or "),
    }
}

fn article(name: &str) -> String {
    match name {
        "null" => "null".into(),
        "array" | "integer" | "object" => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

/// Every required key that the object in error lacks, quoted.
fn missing_keys(
    error: &jsonschema::ValidationError<'_>,
    schema: &Value,
    value: &Value,
) -> Vec<String> {
    let object = value.pointer(&error.instance_path().to_string());
    let required = schema.pointer(&error.schema_path().to_string());
    required
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|key| object.is_some_and(|o| o.get(key).is_none()))
        .take(10)
        .map(|key| format!("`{}`", clip(key)))
        .collect()
}

fn clip_long(text: &str) -> std::borrow::Cow<'_, str> {
    match text.char_indices().nth(400) {
        Some((end, _)) => format!("{} ...", &text[..end]).into(),
        None => text.into(),
    }
}

/// A name that a program or server chose, short enough for a message.
fn clip(name: &str) -> std::borrow::Cow<'_, str> {
    match name.char_indices().nth(80) {
        Some((end, _)) => format!("{} ...", &name[..end]).into(),
        None => name.into(),
    }
}

/// The property names that the object in error may have, read off the schema where the error stands.
fn known_keys(error: &jsonschema::ValidationError<'_>, schema: &Value) -> Vec<String> {
    let pointer = error.schema_path().to_string();
    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    schema
        .pointer(parent)
        .and_then(|s| s.get("properties"))
        .and_then(Value::as_object)
        .map(|map| map.keys().cloned().collect())
        .unwrap_or_default()
}

fn nearest(key: &str, known: &[String]) -> String {
    if known.is_empty() {
        return String::new();
    }
    let best = known
        .iter()
        .map(|k| (strsim::jaro_winkler(key, k), k))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(score, _)| *score > 0.75);
    match best {
        Some((_, name)) => format!(", did you mean `{name}`?"),
        None => {
            let mut names: Vec<_> = known.iter().map(|k| format!("`{k}`")).collect();
            names.truncate(12);
            format!(", allowed are {}", names.join(", "))
        }
    }
}
