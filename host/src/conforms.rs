//! Whether a component's import has the type that the model gives the tool, field by field. No values here.

use wasmtime::component::types;
use witgate_codegen::model::{ToolModel, Type, TypeDef, TypeKind};
use witgate_codegen::select::View;

/// Whether an imported function has exactly the type that the model gives the tool in that view. Checked before linking, so
/// that a component built against another definition is refused instead of trapping at its first call.
pub(crate) fn conforms(ty: &types::ComponentFunc, tool: &ToolModel, view: View) -> bool {
    let params: Vec<types::Type> = ty.params().map(|(_, ty)| ty).collect();
    let results: Vec<types::Type> = ty.results().collect();
    let [types::Type::Result(result)] = results.as_slice() else {
        return false;
    };
    let (Some(ok), Some(types::Type::Record(_))) = (result.ok(), result.err()) else {
        return false;
    };
    match view {
        View::Json => {
            matches!(params.as_slice(), [types::Type::String]) && matches!(ok, types::Type::String)
        }
        View::Typed => {
            let input = match (&tool.input, params.as_slice()) {
                (None, []) => true,
                (Some(input), [param]) => is(param, input, &tool.defs),
                _ => false,
            };
            input && is(&ok, &tool.output, &tool.defs)
        }
    }
}

fn is(ty: &types::Type, model: &Type, defs: &[TypeDef]) -> bool {
    use types::Type as T;
    match (ty, model) {
        (T::Bool, Type::Bool)
        | (T::S64, Type::Integer)
        | (T::Float64, Type::Number)
        | (T::String, Type::String | Type::Json) => true,
        (T::List(list), Type::List(item)) => is(&list.ty(), item, defs),
        (T::Tuple(tuple), Type::Tuple(items)) => {
            let types: Vec<_> = tuple.types().collect();
            types.len() == items.len() && types.iter().zip(items).all(|(t, i)| is(t, i, defs))
        }
        (ty, Type::Map(item)) => is_map(ty, item, defs),
        (T::Option(option), Type::Nullable(item)) => is(&option.ty(), item, defs),
        (ty, Type::Def(index)) => match (ty, defs.get(*index).map(|d| &d.kind)) {
            (T::Record(record), Some(TypeKind::Record { fields, rest, .. })) => {
                let last = || record.fields().nth(fields.len());
                let other_keys = match rest {
                    Some(rest) => last().is_some_and(|have| {
                        have.name == rest.wit && is_map(&have.ty, &rest.ty, defs)
                    }),
                    None => true,
                };
                record.fields().len() == fields.len() + usize::from(rest.is_some())
                    && other_keys
                    && record.fields().zip(fields).all(|(have, want)| {
                        have.name == want.wit
                            && match (&have.ty, want.required) {
                                (ty, true) => is(ty, &want.ty, defs),
                                (T::Option(option), false) => is(&option.ty(), &want.ty, defs),
                                _ => false,
                            }
                    })
            }
            (T::Enum(have), Some(TypeKind::Enum(cases))) => {
                have.names().len() == cases.len()
                    && have.names().zip(cases).all(|(name, case)| name == case.wit)
            }
            (T::Variant(have), Some(TypeKind::Variant(cases))) => {
                have.cases().len() == cases.len()
                    && have.cases().zip(cases).all(|(have, want)| {
                        have.name == want.wit
                            && have.ty.as_ref().is_some_and(|ty| is(ty, &want.ty, defs))
                    })
            }
            _ => false,
        },
        _ => false,
    }
}

fn is_map(ty: &types::Type, item: &Type, defs: &[TypeDef]) -> bool {
    use types::Type as T;
    let T::List(list) = ty else { return false };
    let T::Tuple(pair) = list.ty() else {
        return false;
    };
    let types: Vec<_> = pair.types().collect();
    matches!(types.as_slice(), [T::String, value] if is(value, item, defs))
}
