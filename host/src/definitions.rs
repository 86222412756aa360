//! What the host knows of every tool: its definition as the server sent it, its model (which is also the plan by which
//! values are converted), and validators of the original schemas, compiled at first use.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use wasmtime::component::Val;
use witgate_codegen::catalog::{Catalog, Server, Tool};
use witgate_codegen::model::{ServerModel, ToolModel, Type};
use witgate_codegen::overrides::{Effective, ToolOverride, effective};
use witgate_codegen::server::{ModelError, model_beside, model_catalog};

use crate::validation::{Compiled, compile};
use crate::values::{self, Misfit, Shapes};

pub use crate::validation::Violation;

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
}

impl Definitions {
    /// Models a catalog.
    ///
    /// # Errors
    /// When two servers or tools cannot be told apart by name.
    pub fn new(catalog: &Catalog) -> Result<Definitions, ModelError> {
        let models = model_catalog(catalog)?;
        let mut tools = HashMap::new();
        for model in &models {
            if let Some(server) = catalog.servers.get(&model.server) {
                define(model, server, &mut tools);
            }
        }
        Ok(Definitions {
            models: Arc::new(models),
            tools: Arc::new(tools),
        })
    }

    /// The same with one more server. Only that is modelled, and what validators were compiled stay so.
    ///
    /// # Errors
    /// When there is a server of that name, or two of its tools cannot be told apart by name.
    pub fn with_server(&self, name: &str, server: &Server) -> Result<Definitions, ModelError> {
        let model = model_beside(&self.models, name, server)?;
        let mut tools = HashMap::clone(&self.tools);
        define(&model, server, &mut tools);
        let mut models = Vec::clone(&self.models);
        models.push(model);
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

/// Takes the tools of one server in.
fn define(
    model: &ServerModel,
    server: &Server,
    tools: &mut HashMap<(String, String), Arc<Definition>>,
) {
    let named: HashMap<&str, &Tool> = server.tools.iter().map(|t| (t.name.as_str(), t)).collect();
    for modelled in &model.tools {
        let Some(tool) = named.get(modelled.tool.as_str()).copied() else {
            continue;
        };
        let definition = Definition {
            server: model.server.clone(),
            tool: tool.clone(),
            overridden: server.overrides.get(&modelled.tool).cloned(),
            model: modelled.clone(),
            input: OnceLock::new(),
            output: OnceLock::new(),
        };
        let name = (model.server.clone(), modelled.tool.clone());
        tools.insert(name, Arc::new(definition));
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
        self.input().check(schema, arguments).await
    }

    /// Holds a result against the output schema; any value passes where there is none.
    ///
    /// # Errors
    /// The first violation.
    pub async fn check_result(&self, result: &Value) -> Result<(), Violation> {
        let Some(schema) = self.output_schema() else {
            return Ok(());
        };
        match self.output() {
            Some(output) => output.check(schema, result).await,
            None => Ok(()),
        }
    }

    fn input(&self) -> &Compiled {
        self.input.get_or_init(|| compile(self.schemas().input))
    }

    fn output(&self) -> Option<&Compiled> {
        let schema = self.output_schema()?;
        Some(self.output.get_or_init(|| compile(schema)))
    }

    /// Whether a value fits the schema at this pointer of the definition (`/inputSchema/properties/a/anyOf/0`). A schema
    /// that is too large to be asked in place is taken to fit everything.
    pub(crate) fn fits(&self, pointer: &str, value: &Value) -> bool {
        let (compiled, schema, at) = match pointer.strip_prefix("/inputSchema") {
            Some(at) => (Some(self.input()), Some(self.schemas().input), at),
            None => {
                let at = pointer.strip_prefix("/outputSchema").unwrap_or(pointer);
                (self.output(), self.output_schema(), at)
            }
        };
        match (compiled, schema) {
            (Some(compiled), Some(schema)) => compiled.fits(schema, at, value),
            _ => true,
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
            steps: &Cell::new(values::STEPS),
        };
        values::from_json(value, ty, shapes)
    }

    /// Why the schemas cannot be used for validation, if so: the person is told, and calls of the tool fail.
    #[must_use]
    pub fn schema_fault(&self) -> Option<&str> {
        let both = [Some(self.input()), self.output()];
        both.into_iter()
            .flatten()
            .find_map(|compiled| compiled.validator.as_ref().err())
            .map(String::as_str)
    }

    /// What is no JSON Schema in the schemas, as JSON pointers of the tool's definition: it is left out of validation, and
    /// the person is told.
    #[must_use]
    pub fn schema_blemishes(&self) -> Vec<String> {
        let input = ("/inputSchema", Some(self.input()));
        let output = ("/outputSchema", self.output());
        let at = |(side, compiled): (&str, Option<&Compiled>)| {
            let left_out = compiled.map_or(&[][..], |compiled| &compiled.left_out);
            left_out.iter().map(|at| format!("{side}{at}")).collect()
        };
        [input, output]
            .into_iter()
            .flat_map(|both| -> Vec<String> { at(both) })
            .collect()
    }
}
