//! Starts a server's process in a group of its own, and ends the group. What the process says is not known here.
//!
//! Linux ends a child with its host by the parent-death signal, which is sent when the *thread* that started the child
//! ends. So one thread starts them all and lives as long as this process; a runtime's threads come and go.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// A process and its group. Dropping it kills both.
pub(super) struct Started {
    pub(super) process: Child,
    pub(super) group: Group,
}

/// Starts a process. Dropping the future kills it, also where it is just being started.
pub(super) async fn start(mut command: Command) -> io::Result<Started> {
    command.kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    #[cfg(target_os = "linux")]
    die_with_host(&mut command);
    let runtime = Handle::current();
    let (answer, answered) = oneshot::channel();
    send(Box::new(move || {
        let _entered = runtime.enter();
        let started = command.spawn().map(|process| Started {
            group: Group::new(process.id()),
            process,
        });
        // It fails where nobody waits any more; then the process is dropped, and so killed.
        let _ = answer.send(started);
    }))?;
    answered
        .await
        .unwrap_or_else(|_| Err(io::Error::other("the runtime cannot start processes")))
}

/// Has the kernel kill the child when this process is killed. What the child has started itself is not reached: it sees
/// its stdin end.
#[cfg(target_os = "linux")]
fn die_with_host(command: &mut Command) {
    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
    let host = getpid();
    let arrange = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The host may have ended before that.
        if getppid() == Some(host) {
            Ok(())
        } else {
            Err(io::ErrorKind::NotConnected.into())
        }
    };
    // SAFETY: between fork and exec, the closure makes two system calls, and neither allocates nor takes a lock.
    #[expect(unsafe_code, reason = "the child itself has to ask for the signal")]
    unsafe {
        command.pre_exec(arrange);
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Hands a job to the thread that starts processes; starts that thread the first time.
fn send(job: Job) -> io::Result<()> {
    static STARTER: Mutex<Option<mpsc::Sender<Job>>> = Mutex::new(None);
    // A panic elsewhere leaves the sender whole.
    let mut starter = STARTER.lock().unwrap_or_else(PoisonError::into_inner);
    let jobs = match &*starter {
        Some(jobs) => jobs.clone(),
        None => {
            let (jobs, received) = mpsc::channel::<Job>();
            std::thread::Builder::new()
                .name("witgate-spawn".to_owned())
                .spawn(move || {
                    for job in received {
                        // A runtime that is gone panics; the end of this thread would be that of all children.
                        let _ = catch_unwind(AssertUnwindSafe(job));
                    }
                })?;
            starter.insert(jobs).clone()
        }
    };
    jobs.send(job)
        .map_err(|_| io::Error::other("the thread that starts processes has ended"))
}

/// A process group. It is killed, at once, when any of those who share it is dropped.
pub(super) struct Group(Arc<Mutex<Option<u32>>>);

impl Group {
    fn new(id: Option<u32>) -> Group {
        Group(Arc::new(Mutex::new(id)))
    }

    pub(super) fn share(&self) -> Group {
        Group(self.0.clone())
    }

    /// Whether the process that was started runs: asked of the system, since its end may not have been seen yet.
    pub(super) fn runs(&self) -> bool {
        let id = self.id();
        #[cfg(unix)]
        return id.and_then(pid).is_some_and(runs);
        #[cfg(not(unix))]
        id.is_some()
    }

    /// Asks all of the group to end.
    pub(super) fn terminate(&self) {
        #[cfg(unix)]
        signal(*self.id(), rustix::process::Signal::TERM);
    }

    /// Kills what is left of the group; only the first time, since its number may be given to others later.
    pub(super) fn kill(&self) {
        let id = self.id().take();
        #[cfg(unix)]
        signal(id, rustix::process::Signal::KILL);
        #[cfg(not(unix))]
        let _ = id;
    }

    fn id(&self) -> std::sync::MutexGuard<'_, Option<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(unix)]
fn signal(group: Option<u32>, signal: rustix::process::Signal) {
    if let Some(group) = group.and_then(pid) {
        // It fails only where nobody is left to signal.
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

/// Whether a child runs. One that has ended stays for who waits for it.
#[cfg(unix)]
fn runs(child: rustix::process::Pid) -> bool {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(waitid(WaitId::Pid(child), ended), Ok(None))
}

#[cfg(unix)]
fn pid(id: u32) -> Option<rustix::process::Pid> {
    i32::try_from(id)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
}
