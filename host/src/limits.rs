//! The budgets of one run, as data. Each has a default that suits a small program; an embedder sets what fits.
//! Nothing is enforced here: `gate` counts calls and bytes, `budget` counts CPU, memory and wall time.

use std::time::Duration;

/// The budgets of one run.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Time the guest computes; waiting for tools does not count. Default 10 s.
    pub cpu: Duration,
    /// Time from start to result, waiting included. Default 5 min.
    pub wall: Duration,
    /// Bytes of all linear memories and tables together. Default 256 MiB.
    pub memory: usize,
    /// Tool calls in total. Default 10,000.
    pub calls: u64,
    /// Tool calls at the same time; further ones wait. Default 64.
    pub in_flight: usize,
    /// Bytes of one call's arguments or result, as JSON text. Default 16 MiB.
    pub call_bytes: u64,
    /// Bytes of all arguments and results together, as JSON text. Default 256 MiB.
    pub total_bytes: u64,
    /// Bytes of the program's own result, as JSON text. Default 16 MiB.
    pub result_bytes: usize,
    /// Log lines; further ones are counted and dropped. Default 1,000.
    pub log_lines: u64,
    /// Bytes of one log line; longer ones are cut. Default 4 KiB.
    pub log_line_bytes: usize,
    /// Time one tool call may take. Default 60 s.
    pub call_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            cpu: Duration::from_secs(10),
            wall: Duration::from_secs(300),
            memory: 256 << 20,
            calls: 10_000,
            in_flight: 64,
            call_bytes: 16 << 20,
            total_bytes: 256 << 20,
            result_bytes: 16 << 20,
            log_lines: 1_000,
            log_line_bytes: 4 << 10,
            call_time: Duration::from_secs(60),
        }
    }
}
