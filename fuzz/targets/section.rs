//! `cargo fuzz run section`: what it checks stands in `bodies/section.rs`.
#![no_main]

#[path = "../bodies/section.rs"]
mod section;

libfuzzer_sys::fuzz_target!(|data: &[u8]| section::section(data));
