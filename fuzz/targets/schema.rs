//! `cargo fuzz run schema`: what it checks stands in `bodies/schema.rs`.
#![no_main]

#[path = "../bodies/draw.rs"]
mod draw;
#[path = "../bodies/schema.rs"]
mod schema;

libfuzzer_sys::fuzz_target!(|data: &[u8]| schema::schema(data));
