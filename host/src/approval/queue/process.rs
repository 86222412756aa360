//! Which process waits for an answer, and whether it is still there. A process is told from a later one with the same number by
//! the time at which it started, and from one of another machine or container, of which nothing can be said.

use serde::{Deserialize, Serialize};

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    pid: u32,
    /// Ticks since the machine started; where that can be told.
    #[serde(default)]
    started: Option<u64>,
    /// Where process numbers mean the same.
    #[serde(default)]
    numbers: Option<String>,
}

impl Identity {
    pub(super) fn own() -> Identity {
        let pid = std::process::id();
        Identity {
            pid,
            started: started(pid),
            numbers: numbers(),
        }
    }

    /// Why it is gone, if it is known to be.
    pub(super) fn gone(&self) -> Option<String> {
        if self.numbers != numbers() {
            return None;
        }
        let is_there = match self.started {
            Some(started_then) => started(self.pid) == Some(started_then),
            None => is_running(self.pid),
        };
        (!is_there).then(|| format!("its process {} has ended", self.pid))
    }
}

/// From `/proc/PID/stat`, field 22; the second field is a name in brackets that may hold anything.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    // A dead process that nobody asked after yet.
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn numbers() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), space.display()))
}

#[cfg(unix)]
fn is_running(pid: u32) -> bool {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    // Another's process cannot be signalled, and is there all the same.
    pid.is_some_and(|pid| {
        !matches!(
            rustix::process::test_kill_process(pid),
            Err(rustix::io::Errno::SRCH)
        )
    })
}

#[cfg(not(unix))]
fn is_running(_: u32) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_there_until_it_ends() {
        let own = Identity::own();
        assert_eq!(own.gone(), None);
        let later = Identity {
            started: own.started.map(|started| started + 1),
            ..own.clone()
        };
        assert_eq!(later.gone().is_some(), own.started.is_some());
        let elsewhere = Identity {
            pid: u32::MAX,
            numbers: Some("another machine".into()),
            ..own
        };
        assert_eq!(elsewhere.gone(), None);
    }
}
