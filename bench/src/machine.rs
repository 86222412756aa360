//! On what the figures were taken: processor, cores, system, and how busy the machine was with other work. Read from `/proc`;
//! where there is none, it says so.

use serde_json::{Value, json};

/// The machine, as far as it tells.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    /// That this process may use.
    pub(crate) cores: usize,
    pub(crate) system: String,
    /// Whether this is an optimised build; figures of any other are worth nothing.
    pub(crate) optimised: bool,
}

pub(crate) fn machine() -> Machine {
    let cpu = read("/proc/cpuinfo");
    let processor = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown processor", |(_, name)| name.trim());
    let version = read("/proc/version");
    let mut words = version.split_whitespace();
    let system = match (words.next(), words.nth(1)) {
        (Some(name), Some(number)) => format!("{name} {number}"),
        _ => std::env::consts::OS.to_owned(),
    };
    Machine {
        processor: processor.to_owned(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        system,
        optimised: !cfg!(debug_assertions),
    }
}

/// Processes that wanted a core over the last minute, on average; this one included.
pub(crate) fn load() -> Option<f64> {
    read("/proc/loadavg")
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

impl Machine {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "processor": self.processor,
            "cores": self.cores,
            "system": self.system,
            "optimised": self.optimised,
        })
    }
}
