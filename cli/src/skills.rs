//! Programs that were kept: a folder of components, each with its SKILL.md. What a skill says of itself is in the component
//! (`manifest`), what it really imports is read from it (`asked`), and a person's review is bound to its bytes (`store`). How
//! skills travel is `registry`'s. Nothing here runs a skill.

mod asked;
mod describe;
pub(crate) mod error;
mod files;
mod manifest;
mod markdown;
mod program;
pub(crate) mod registry;
mod store;
mod visible;

pub(crate) use asked::{Asked, asked, asked_of};
pub(crate) use describe::description_of;
pub(crate) use manifest::{Language, Manifest, is_name};
pub(crate) use markdown::{declaration, one_line, skill_md};
pub(crate) use program::program;
pub(crate) use store::{Review, Skill, Stamp, Store};
pub(crate) use visible::Visible;
