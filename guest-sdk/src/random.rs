//! Randomness from a seed of the host. It is not cryptographic.

use std::cell::Cell;

use crate::bindings::witgate::runtime::random as host;

thread_local! {
    /// The state of the generator; filled at first use.
    static STATE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// A seed from the host; each call gives another one.
pub fn seed() -> u64 {
    host::seed()
}

/// The next number of a generator (splitmix64) that the host's seed started.
pub fn next() -> u64 {
    let state = STATE
        .get()
        .unwrap_or_else(seed)
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.set(Some(state));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A number at least 0 and below 1, with 53 random bits.
pub fn number() -> f64 {
    // Both conversions are exact: the integer has 53 bits, the divisor is a power of two.
    (next() >> 11) as f64 / (1u64 << 53) as f64
}
