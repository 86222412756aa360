//! A plan -> a linker that holds its imports and nothing else. Tools are linked function by function, each bound to its
//! place in the plan; what is not in the plan is not there to be called.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Accessor, Component, Linker, LinkerInstance, Val};
use wasmtime::{Engine, Module};
use witgate_codegen::model::ToolModel;
use witgate_codegen::select::View;

use crate::admission::Plan;
use crate::call::{self, Calls, ToolError, ToolErrorKind};
use crate::definitions::Violation;
use crate::imports::ImportedTool;
use crate::journal::Blame;
use crate::run::{LogLevel, RunState};
use crate::values;

/// Links the runtime contract, the engine if the program asks for it, and every tool of the plan.
///
/// # Errors
/// When the engine refuses a definition: a defect of this host, since admission checked every import.
pub(crate) fn link(
    engine: &Engine,
    component: &Component,
    plan: &Plan,
    module: Option<(&str, &Module)>,
) -> wasmtime::Result<Linker<RunState>> {
    let mut linker = Linker::new(engine);
    link_runtime(&mut linker, sleeps_blocking(engine, component))?;
    if let Some((name, module)) = module {
        linker.root().module(name, module)?;
    }
    for (import, index) in &plan.imports {
        // Two imports of one interface share an instance: allow asking for it again.
        linker.allow_shadowing(true);
        let mut instance = linker.instance(&import.interface)?;
        match import.view {
            View::Json => link_json(&mut instance, import, *index)?,
            View::Typed => link_typed(&mut instance, import, *index)?,
        }
    }
    Ok(linker)
}

const CLOCK: &str = "witgate:runtime/clock@0.1.0";

/// Whether the component knows `clock.sleep` as a plain `func`, as one built by a toolchain without async does.
fn sleeps_blocking(engine: &Engine, component: &Component) -> bool {
    let ty = component.component_type();
    let clock = ty.imports(engine).find(|(name, _)| *name == CLOCK);
    let Some(ComponentItem::ComponentInstance(clock)) = clock.map(|(_, item)| item.ty) else {
        return false;
    };
    clock.exports(engine).any(|(name, item)| {
        name == "sleep" && matches!(item.ty, ComponentItem::ComponentFunc(ty) if !ty.async_())
    })
}

fn link_runtime(linker: &mut Linker<RunState>, sleeps_blocking: bool) -> wasmtime::Result<()> {
    linker.instance("witgate:runtime/types@0.1.0")?;

    let mut console = linker.instance("witgate:runtime/console@0.1.0")?;
    console.func_wrap("log", |mut store, (level, message): (LogLevel, String)| {
        store.data_mut().log(level, &message);
        Ok(())
    })?;

    let mut clock = linker.instance(CLOCK)?;
    clock.func_wrap("now", |_, ()| Ok((crate::call::now(),)))?;
    let sleep = |ms| async move {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Ok(())
    };
    if sleeps_blocking {
        clock.func_wrap_async("sleep", move |_, (ms,): (u64,)| Box::new(sleep(ms)))?;
    } else {
        clock.func_wrap_concurrent("sleep", move |_: &Accessor<RunState>, (ms,): (u64,)| {
            Box::pin(sleep(ms))
        })?;
    }

    let mut random = linker.instance("witgate:runtime/random@0.1.0")?;
    random.func_wrap("seed", |_, ()| {
        use std::hash::{BuildHasher, Hasher};
        // The standard library seeds its hashers from the system's randomness.
        let hasher = std::collections::hash_map::RandomState::new().build_hasher();
        Ok((hasher.finish(),))
    })?;
    Ok(())
}

async fn call_json(
    calls: &Calls,
    index: usize,
    arguments: &str,
) -> wasmtime::Result<Result<String, ToolError>> {
    let result = calls.call_text(index, arguments).await;
    let result = result.map_err(wasmtime::Error::new)?;
    Ok(result.map(|answer| answer.text))
}

fn link_json(
    instance: &mut LinkerInstance<'_, RunState>,
    import: &ImportedTool,
    index: usize,
) -> wasmtime::Result<()> {
    if import.asynchronous {
        instance.func_wrap_concurrent(
            &import.function,
            move |accessor: &Accessor<RunState>, (arguments,): (String,)| {
                Box::pin(async move {
                    let calls = accessor.with(|mut access| access.get().calls());
                    Ok((call_json(&calls, index, &arguments).await?,))
                })
            },
        )
    } else {
        instance.func_wrap_async(&import.function, move |store, (arguments,): (String,)| {
            let calls = store.data().calls();
            Box::new(async move { Ok((call_json(&calls, index, &arguments).await?,)) })
        })
    }
}

async fn call_typed(calls: &Calls, index: usize, params: &[Val]) -> wasmtime::Result<Val> {
    let definition = &calls.definitions[index];
    let model = &definition.model;
    let result = match arguments(model, params) {
        Ok(arguments) => calls.call_value(index, arguments).await,
        Err(misfit) => {
            let kind = ToolErrorKind::InvalidArguments;
            calls.refused(index, kind, Blame::Program, misfit.to_string())
        }
    };
    let result = result.map_err(wasmtime::Error::new)?.and_then(|answer| {
        let value = definition.guest_value(&answer.value, &model.output);
        value.map_err(|misfit| {
            let message =
                format!("the result does not fit the type built from the schema: {misfit}");
            let violation = Violation {
                at: misfit.at,
                why: misfit.why,
            };
            let error = ToolError {
                kind: ToolErrorKind::InvalidResult,
                tool: format!("{}/{}", definition.server, model.tool),
                message,
                detail: Some(call::result_detail(definition, &violation).to_string()),
            };
            calls.remember(&error);
            error
        })
    });
    Ok(Val::Result(match result {
        Ok(value) => Ok(Some(Box::new(value))),
        Err(error) => Err(Some(Box::new(error.to_val()))),
    }))
}

fn arguments(model: &ToolModel, params: &[Val]) -> Result<serde_json::Value, values::Misfit> {
    match (&model.input, params) {
        (Some(ty), [param]) => values::to_json(param, ty, &model.defs),
        _ => Ok(serde_json::Value::Object(serde_json::Map::new())),
    }
}

fn link_typed(
    instance: &mut LinkerInstance<'_, RunState>,
    import: &ImportedTool,
    index: usize,
) -> wasmtime::Result<()> {
    if import.asynchronous {
        instance.func_new_concurrent(&import.function, move |accessor, _, params, results| {
            Box::pin(async move {
                let calls: Arc<Calls> = accessor.with(|mut access| access.get().calls());
                results[0] = call_typed(&calls, index, params).await?;
                Ok(())
            })
        })
    } else {
        instance.func_new_async(&import.function, move |store, _, params, results| {
            let calls = store.data().calls();
            Box::new(async move {
                results[0] = call_typed(&calls, index, params).await?;
                Ok(())
            })
        })
    }
}
