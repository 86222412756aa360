//! Time as the host tells it. Nothing else on this target knows the time.

use std::time::Duration;

use crate::bindings::witgate::runtime::clock as host;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub fn now() -> u64 {
    host::now()
}

/// Waits; it costs no CPU budget. Parts of a millisecond are rounded up.
pub async fn sleep(duration: Duration) {
    let milliseconds = duration.as_nanos().div_ceil(1_000_000);
    host::sleep(u64::try_from(milliseconds).unwrap_or(u64::MAX)).await;
}

/// Waits that many milliseconds; it costs no CPU budget.
pub async fn sleep_ms(milliseconds: u64) {
    host::sleep(milliseconds).await;
}
