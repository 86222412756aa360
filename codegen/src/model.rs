//! The closed model between JSON Schema and everything that is generated: WIT, declarations, and the plan by which
//! the host converts values. Types and walks over them only; `schema` fills it, `server` chooses the WIT names.

use serde_json::Value;

use crate::loss::Loss;

/// One server, modelled.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerModel {
    /// The server's name in the configuration.
    pub server: String,
    /// The name in WIT: package `mcp:<package>`.
    pub package: String,
    /// Tools in the order of the catalog.
    pub tools: Vec<ToolModel>,
    /// What the types could not carry.
    pub losses: Vec<Loss>,
}

/// One tool, modelled.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolModel {
    /// The name that `tools/call` takes.
    pub tool: String,
    /// The WIT function name (kebab-case, without `%`); the same in both views.
    pub wit: String,
    /// What the server calls it for people, cleaned.
    pub title: Option<String>,
    /// Cleaned description, at most a few hundred characters a line, control characters stripped.
    pub doc: Option<String>,
    /// The argument record, or `None` when the tool takes no arguments (the WIT function then has no parameter).
    /// Always `Type::Def` of a record, or `Type::Json` where the arguments could not be typed.
    pub input: Option<Type>,
    /// The result type; `Type::Json` where the server declares no output schema.
    pub output: Type,
    /// Whether the server declares an output schema.
    pub has_output_schema: bool,
    /// Who wrote the schema that `input` is made from.
    pub input_origin: Origin,
    /// Who wrote the schema that `output` is made from; the server where there is none.
    pub output_origin: Origin,
    /// The schema's own wrapper `{"result": ...}` is taken off before `output` applies.
    pub unwrap_result: bool,
    /// Named types of this tool, referred to by index.
    pub defs: Vec<TypeDef>,
    /// SHA-256 hex of the definition as the server sent it, keys sorted.
    pub definition_hash: String,
    /// SHA-256 hex of the tool's WIT shape: names and types of the typed view, no documentation.
    pub shape_hash: String,
}

/// Who wrote a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The server sent it.
    Server,
    /// A person, in `witgate/overrides`.
    Override,
    /// It was inferred from results.
    Inferred {
        /// From how many.
        results: u64,
    },
}

impl Origin {
    /// How a type whose schema is not the server's comes about, for the end of a sentence.
    pub fn note(self) -> Option<String> {
        match self {
            Origin::Server => None,
            Origin::Override => Some("overridden in witgate/overrides".to_string()),
            Origin::Inferred { results } => {
                let plural = if results == 1 { "" } else { "s" };
                Some(format!(
                    "inferred from {results} result{plural}, not declared by the server"
                ))
            }
        }
    }
}

impl ToolModel {
    /// The description, and where types are from that the server did not declare.
    pub fn documentation(&self) -> Option<String> {
        let sides = [
            ("arguments'", self.input_origin),
            ("result's", self.output_origin),
        ];
        let notes = sides
            .iter()
            .filter_map(|(side, origin)| Some(format!("The {side} type is {}.", origin.note()?)));
        let lines: Vec<String> = self.doc.clone().into_iter().chain(notes).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// A type of the model; also the plan by which values are converted.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// `bool`
    Bool,
    /// `s64`
    Integer,
    /// `f64`
    Number,
    /// `string`
    String,
    /// `json` (text): recursive, free-form or untyped values.
    Json,
    /// `list<T>`
    List(Box<Type>),
    /// `tuple<...>`: a JSON array of exactly these.
    Tuple(Vec<Type>),
    /// `list<tuple<string, T>>`: a JSON object whose keys are data.
    Map(Box<Type>),
    /// `option<T>`: the JSON value or `null`.
    Nullable(Box<Type>),
    /// An entry of `ToolModel::defs`.
    Def(usize),
}

/// A named type.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeDef {
    /// The WIT name (kebab-case, without `%`), unique in the server's interface.
    pub wit: String,
    /// Cleaned documentation.
    pub doc: Option<String>,
    /// JSON pointer of the schema it came from.
    pub pointer: String,
    /// Its shape.
    pub kind: TypeKind,
}

/// The shape of a named type.
#[derive(Debug, Clone, PartialEq)]
pub enum TypeKind {
    /// A JSON object with known keys; never without both fields and `rest`.
    Record {
        /// In the schema's order.
        fields: Vec<Field>,
        /// Required keys with a constant value: left out of the WIT record, put in (arguments) or checked off (results) by
        /// the host.
        constants: Vec<(String, Value)>,
        /// Where the keys go that the record does not name; `None` where the schema allows none.
        rest: Option<Rest>,
    },
    /// One of a fixed set of strings or integers.
    Enum(Vec<EnumCase>),
    /// One of several shapes.
    Variant(Vec<Case>),
}

/// A record's field.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The key on the wire.
    pub wire: String,
    /// The WIT name (kebab-case, without `%`).
    pub wit: String,
    /// Cleaned documentation.
    pub doc: Option<String>,
    /// Its type; `Nullable` where `null` is allowed, so that optional + nullable is `option<option<T>>`.
    pub ty: Type,
    /// Whether the key must be there; where not, the WIT type is `option<ty>` and `none` is an absent key.
    pub required: bool,
    /// The default the schema states, for documentation.
    pub default: Option<Value>,
    /// What `doc` is made of, piece by piece.
    pub stated: Stated,
}

/// What a field's schema says beside its type. Untrusted, and only the description is cleaned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stated {
    /// The server's own words.
    pub description: Option<String>,
    /// Whether the field is not to be used any more.
    pub deprecated: bool,
    /// The values that fit, where they made no enum.
    pub values: Vec<Value>,
    /// The keywords of JSON Schema that the host checks, with their values (`minimum`, `pattern`, `format`).
    pub bounds: Vec<(String, Value)>,
    /// As `bounds`, of each element of a list.
    pub items: Vec<(String, Value)>,
}

/// The last field of a record whose schema does not close it: `list<tuple<string, T>>`, the keys that it does not name.
#[derive(Debug, Clone, PartialEq)]
pub struct Rest {
    /// The WIT name of the field (kebab-case, without `%`).
    pub wit: String,
    /// The type of each value.
    pub ty: Type,
    /// Whether the schema speaks of such keys; where not, nobody is known to want them.
    pub stated: bool,
}

/// An enum's case.
#[derive(Debug, Clone, PartialEq)]
pub struct EnumCase {
    /// The value on the wire: a string or an integer.
    pub wire: Value,
    /// The WIT name (kebab-case, without `%`).
    pub wit: String,
}

/// A variant's case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The WIT name (kebab-case, without `%`).
    pub wit: String,
    /// What it carries.
    pub ty: Type,
    /// How a JSON value is recognised as this case; cases are tried in order.
    pub test: CaseTest,
}

/// How a JSON value is recognised as a variant's case.
#[derive(Debug, Clone, PartialEq)]
pub enum CaseTest {
    /// An object whose key holds this constant.
    Tag {
        /// The key.
        wire: String,
        /// Its value.
        value: Value,
    },
    /// By the JSON type alone.
    Json(JsonType),
    /// By whether the value fits the case's own schema and converts to its type; where none does, by the latter alone.
    Try {
        /// JSON pointer of the schema in the tool's definition.
        pointer: String,
    },
}

/// JSON's own types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonType {
    /// `true` or `false`
    Boolean,
    /// A number without a fraction.
    Integer,
    /// Any number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Type {
    /// Calls `visit` with the index of every named type this type mentions itself.
    pub fn each_def(&self, visit: &mut dyn FnMut(usize)) {
        match self {
            Type::Bool | Type::Integer | Type::Number | Type::String | Type::Json => {}
            Type::List(inner) | Type::Map(inner) | Type::Nullable(inner) => inner.each_def(visit),
            Type::Tuple(elements) => elements.iter().for_each(|element| element.each_def(visit)),
            Type::Def(index) => visit(*index),
        }
    }

    /// As `each_def`, to change the index.
    pub(crate) fn each_def_mut(&mut self, change: &dyn Fn(&mut usize)) {
        match self {
            Type::Bool | Type::Integer | Type::Number | Type::String | Type::Json => {}
            Type::List(inner) | Type::Map(inner) | Type::Nullable(inner) => {
                inner.each_def_mut(change)
            }
            Type::Tuple(elements) => elements
                .iter_mut()
                .for_each(|element| element.each_def_mut(change)),
            Type::Def(index) => change(index),
        }
    }

    /// Whether `json` stands in this type, named types not followed.
    pub fn mentions_json(&self) -> bool {
        match self {
            Type::Json => true,
            Type::Bool | Type::Integer | Type::Number | Type::String | Type::Def(_) => false,
            Type::List(inner) | Type::Map(inner) | Type::Nullable(inner) => inner.mentions_json(),
            Type::Tuple(elements) => elements.iter().any(Type::mentions_json),
        }
    }
}

impl TypeKind {
    /// Calls `visit` with every type that stands directly in this shape.
    pub fn each_type(&self, visit: &mut dyn FnMut(&Type)) {
        match self {
            TypeKind::Record { fields, rest, .. } => {
                fields.iter().for_each(|field| visit(&field.ty));
                rest.iter().for_each(|rest| visit(&rest.ty));
            }
            TypeKind::Enum(_) => {}
            TypeKind::Variant(cases) => cases.iter().for_each(|case| visit(&case.ty)),
        }
    }

    /// As `each_type`, to change the types.
    pub(crate) fn each_type_mut(&mut self, change: &mut dyn FnMut(&mut Type)) {
        match self {
            TypeKind::Record { fields, rest, .. } => {
                fields.iter_mut().for_each(|field| change(&mut field.ty));
                rest.iter_mut().for_each(|rest| change(&mut rest.ty));
            }
            TypeKind::Enum(_) => {}
            TypeKind::Variant(cases) => cases.iter_mut().for_each(|case| change(&mut case.ty)),
        }
    }
}
