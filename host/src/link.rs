//! A plan -> a linker that holds its imports and nothing else. Tools are linked function by function, each bound to its
//! place in the plan, and so are the skills that are called; what is not in the plan is not there to be called.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Accessor, Component, Linker, LinkerInstance, Val};
use wasmtime::{Engine, Module};
use witgate_codegen::model::ToolModel;
use witgate_codegen::select::View;

use crate::call::{self, ToolError, ToolErrorKind};
use crate::definitions::Violation;
use crate::imports::ImportedTool;
use crate::journal::Blame;
use crate::run::{LogLevel, RunState, Running};
use crate::values;

/// What an import leads to.
#[derive(Clone, Copy)]
enum Target {
    /// An index into the plan's tools.
    Tool(usize),
    /// An index into the plan's skills.
    Skill(usize),
}

/// A component to be linked, with what it imports as the plan has it: each tool and each skill with its index there.
pub(crate) struct Part<'a> {
    pub(crate) component: &'a Component,
    pub(crate) tools: &'a [(ImportedTool, usize)],
    pub(crate) skills: &'a [(ImportedTool, usize)],
    /// The engine, by the name under which it asks for it.
    pub(crate) module: Option<(String, Module)>,
}

/// Links the runtime contract, the engine if the component asks for it, and every tool and skill of its part of the plan.
///
/// # Errors
/// When the engine refuses a definition: a defect of this host, since admission checked every import.
pub(crate) fn link(engine: &Engine, part: &Part<'_>) -> wasmtime::Result<Linker<RunState>> {
    let mut linker = Linker::new(engine);
    link_runtime(&mut linker, sleeps_blocking(engine, part.component))?;
    if let Some((name, module)) = &part.module {
        linker.root().module(name, module)?;
    }
    let tools = part
        .tools
        .iter()
        .map(|(tool, at)| (tool, Target::Tool(*at)));
    let skills = part.skills.iter();
    let skills = skills.map(|(skill, at)| (skill, Target::Skill(*at)));
    for (import, target) in tools.chain(skills) {
        // Two imports of one interface share an instance: allow asking for it again.
        linker.allow_shadowing(true);
        let mut instance = linker.instance(&import.interface)?;
        match import.view {
            View::Json => link_json(&mut instance, import, target)?,
            View::Typed => link_typed(&mut instance, import, target)?,
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

/// Who calls: the run, and how many skills deep.
type Caller = (Arc<Running>, usize);

fn caller(state: &RunState) -> Caller {
    (Arc::clone(&state.run), state.depth)
}

async fn call_json(
    (run, depth): Caller,
    target: Target,
    arguments: String,
) -> wasmtime::Result<Result<String, ToolError>> {
    let result = match target {
        Target::Tool(index) => {
            let called = run.calls.call_text(index, &arguments).await;
            called.map_err(wasmtime::Error::new)?
        }
        Target::Skill(index) => run.call_skill(index, depth, arguments).await?,
    };
    Ok(result.map(|answer| answer.text))
}

fn link_json(
    instance: &mut LinkerInstance<'_, RunState>,
    import: &ImportedTool,
    target: Target,
) -> wasmtime::Result<()> {
    if import.asynchronous {
        instance.func_wrap_concurrent(
            &import.function,
            move |accessor: &Accessor<RunState>, (arguments,): (String,)| {
                Box::pin(async move {
                    let caller = accessor.with(|mut access| caller(access.get()));
                    Ok((call_json(caller, target, arguments).await?,))
                })
            },
        )
    } else {
        instance.func_wrap_async(&import.function, move |store, (arguments,): (String,)| {
            let caller = caller(store.data());
            Box::new(async move { Ok((call_json(caller, target, arguments).await?,)) })
        })
    }
}

async fn call_typed((run, depth): Caller, target: Target, params: &[Val]) -> wasmtime::Result<Val> {
    let definition = match target {
        Target::Tool(index) => &run.calls.definitions[index],
        Target::Skill(index) => &run.skills[index].definition,
    };
    let model = &definition.model;
    let result = match (arguments(model, params), target) {
        (Ok(arguments), Target::Tool(index)) => {
            let called = run.calls.call_value(index, arguments).await;
            called.map_err(wasmtime::Error::new)?
        }
        (Ok(arguments), Target::Skill(index)) => {
            run.call_skill(index, depth, arguments.to_string()).await?
        }
        (Err(misfit), target) => {
            let (kind, message) = (ToolErrorKind::InvalidArguments, misfit.to_string());
            match target {
                Target::Tool(index) => {
                    let refused = run.calls.refused(index, kind, Blame::Program, message);
                    refused.map_err(wasmtime::Error::new)?
                }
                Target::Skill(index) => Err(run.refused(index, kind, message)),
            }
        }
    };
    let result = result.and_then(|answer| {
        let value = definition.guest_value(&answer.value, &model.output);
        value.map_err(|misfit| {
            let message =
                format!("the result does not fit the type built from the schema: {misfit}");
            let violation = Violation {
                at: misfit.at,
                why: misfit.why,
            };
            let detail = call::result_detail(definition, &violation);
            let kind = ToolErrorKind::InvalidResult;
            let error = call::tool_error(definition, kind, message, Some(detail));
            run.calls.remember(&error);
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
    target: Target,
) -> wasmtime::Result<()> {
    if import.asynchronous {
        instance.func_new_concurrent(&import.function, move |accessor, _, params, results| {
            Box::pin(async move {
                let caller = accessor.with(|mut access| caller(access.get()));
                results[0] = call_typed(caller, target, params).await?;
                Ok(())
            })
        })
    } else {
        instance.func_new_async(&import.function, move |store, _, params, results| {
            let caller = caller(store.data());
            Box::new(async move {
                results[0] = call_typed(caller, target, params).await?;
                Ok(())
            })
        })
    }
}
