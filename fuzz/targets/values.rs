//! `cargo fuzz run values`: what it checks stands in `bodies/values.rs`. Instances and verdicts are those of the property test.
#![no_main]
#![allow(dead_code)]

#[path = "../bodies/draw.rs"]
mod draw;
#[path = "../bodies/values.rs"]
mod values;

#[path = "../../tests/properties"]
mod properties {
    pub(crate) mod instances;
    pub(crate) mod judge;
    pub(crate) mod mutations;
    pub(crate) mod numbers;
    pub(crate) mod refs;
    pub(crate) mod texts;
}
use properties::{instances, judge, mutations, numbers, refs, texts};

libfuzzer_sys::fuzz_target!(|data: &[u8]| values::values(data));
