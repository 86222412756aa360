//! Components that no builder of ours makes: of any world, with functions that do nothing.

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

/// A core module with bindings of this world, whose text may use the package `witgate:runtime`.
///
/// # Errors
/// The text is no world.
pub fn module(world: &str) -> anyhow::Result<Vec<u8>> {
    let mut resolve = Resolve {
        all_features: true,
        ..Resolve::default()
    };
    resolve.push_str("witgate.wit", include_str!("../../wit/witgate.wit"))?;
    let package = resolve.push_str("world.wit", world)?;
    let world = resolve.select_world(&[package], None)?;
    let abi = ManglingAndAbi::Legacy(LiftLowerAbi::AsyncCallback);
    let mut module = dummy_module(&resolve, world, abi);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    Ok(module)
}

/// The component of such a module.
///
/// # Errors
/// As `module`.
pub fn component(world: &str) -> anyhow::Result<Vec<u8>> {
    let mut encoder = ComponentEncoder::default();
    encoder.module(&module(world)?)?.validate(true).encode()
}
