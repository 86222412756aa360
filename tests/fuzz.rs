//! What fuzzing once found, and what it starts from, goes through the targets of `fuzz/` without a panic. The targets are
//! run as plain functions: no fuzzer is built and nothing new is searched for here.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]
// Shared with the fuzz targets and with the property test, which use more of them.
#![allow(dead_code)]

#[path = "../fuzz/bodies/draw.rs"]
mod draw;
#[path = "../fuzz/bodies/schema.rs"]
mod schema;
#[path = "../fuzz/bodies/section.rs"]
mod section;
#[path = "../fuzz/bodies/values.rs"]
mod values;

#[path = "properties"]
mod properties {
    pub(crate) mod instances;
    pub(crate) mod judge;
    pub(crate) mod mutations;
    pub(crate) mod numbers;
    pub(crate) mod refs;
    pub(crate) mod texts;
}
use properties::{instances, judge, mutations, numbers, refs, texts};

use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use witgate_tests::workspace::root;

/// Far more than any input takes, on a busy machine and without optimisation.
const LONGEST: Duration = Duration::from_secs(60);

/// Feeds every input that is kept for a target to it, and names those that fail.
fn feed(target: &str, body: fn(&[u8])) {
    let (mut fed, mut failed) = (0, Vec::new());
    for kept in ["seeds", "findings"] {
        let folder = root().join("fuzz").join(kept).join(target);
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let start = Instant::now();
            let survived = catch_unwind(|| body(&bytes)).is_ok();
            if !survived || start.elapsed() > LONGEST {
                failed.push(format!("{} ({:?})", path.display(), start.elapsed()));
            }
            fed += 1;
        }
    }
    assert!(fed > 0, "nothing is kept for `{target}`");
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn kept_schemas_become_sound_texts() {
    feed("schema", schema::schema);
}

#[test]
fn kept_values_lose_nothing_in_silence() {
    feed("values", values::values);
}

#[test]
fn kept_sections_are_read_or_refused() {
    feed("section", section::section);
}
