//! `cargo fuzz run values`: what it checks stands in `bodies/values.rs`. Instances and verdicts are those of the property test.
#![no_main]
#![allow(dead_code)]

#[path = "../bodies/draw.rs"]
mod draw;
#[path = "../bodies/values.rs"]
mod values;

#[path = "../../tests/properties/instances.rs"]
mod instances;
#[path = "../../tests/properties/judge.rs"]
mod judge;
#[path = "../../tests/properties/mutations.rs"]
mod mutations;
#[path = "../../tests/properties/numbers.rs"]
mod numbers;
#[path = "../../tests/properties/refs.rs"]
mod refs;
#[path = "../../tests/properties/texts.rs"]
mod texts;

libfuzzer_sys::fuzz_target!(|data: &[u8]| values::values(data));
