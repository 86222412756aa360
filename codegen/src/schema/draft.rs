//! Which draft of JSON Schema a document is of, as far as types depend on it. The host decides likewise for validation.

use serde_json::Value;

/// Whether a document is of draft-07 or one before it, in which nothing beside a `$ref` counts and tuples have another
/// name: as `$schema` says, else where a list stands for `items`, which is an error since, and nothing newer is there.
pub(super) fn is_old(root: &Value) -> bool {
    match root.get("$schema").and_then(Value::as_str) {
        Some(draft) => draft.contains("json-schema.org/draft-0"),
        None => {
            uses(root, &|key, value| key == "items" && value.is_array())
                && !uses(root, &|key, _| key == "prefixItems")
        }
    }
}

/// Whether a keyword like that stands in some schema of the document.
fn uses(schema: &Value, is_wanted: &dyn Fn(&str, &Value) -> bool) -> bool {
    let Value::Object(map) = schema else {
        return false;
    };
    let inner = |schema: &Value| uses(schema, is_wanted);
    map.iter().any(|(key, value)| {
        is_wanted(key, value)
            || match (key.as_str(), value) {
                // Data, not schemas.
                ("default" | "const" | "enum" | "examples" | "example", _) => false,
                (
                    "properties" | "patternProperties" | "$defs" | "definitions"
                    | "dependentSchemas",
                    Value::Object(schemas),
                ) => schemas.values().any(inner),
                (_, Value::Array(schemas)) => schemas.iter().any(inner),
                (_, schema) => inner(schema),
            }
    })
}
