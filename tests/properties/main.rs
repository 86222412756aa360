//! Values that schemas allow come back from both views as they went in, and those that they forbid are refused at the right
//! place: over every tool of the corpus of real servers, over schemas made at random, and over the values of a second,
//! foreign generator. A difference is allowed only where a loss had said so beforehand.
//!
//! The corpus lies beside the repository; where it is absent, the tests that need it say so and pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod corpus;
mod foreign;
mod instances;
mod judge;
mod mutations;
mod numbers;
mod refs;
mod schemas;
mod texts;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does the work for every item on all processors, each with a runtime of its own.
fn spread<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T, &tokio::runtime::Runtime) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                while let Some((index, item)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    items.get(index).map(|item| (index, item))
                } {
                    let result = work(item, &runtime);
                    done.lock().unwrap().push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
