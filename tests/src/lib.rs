//! What the rings of tests share: the binary under test in a folder of its own, the real servers that `./test` installed,
//! the search for processes that outlived their run, and the parsers of generated texts. Nothing is asserted here beyond what
//! makes a test impossible.

pub mod components;
pub mod corpus;
pub mod process;
pub mod servers;
pub mod texts;
pub mod workspace;

pub use process::{Output, Stand};
