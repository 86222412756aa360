//! What a run uses of the machine: CPU time that stops while the guest waits, memory, wall time. The engine asks here at
//! each epoch and at each growth of a memory; going over is an error that ends the run, never the host.

use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use wasmtime::{Engine, ResourceLimiter};

use crate::limits::Limits;

/// A budget that a run went over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// The guest computed longer than it may.
    #[error("the program used more than its {0:?} of CPU time")]
    Cpu(Duration),
    /// The run took longer than it may.
    #[error("the run took more than its {0:?} of time")]
    Wall(Duration),
    /// The guest's memories grew larger than they may.
    #[error("the program used more than its {} MiB of memory", .0 >> 20)]
    Memory(usize),
    /// The result is larger than it may be.
    #[error("the result is larger than {0} bytes")]
    Result(usize),
    /// The program went on calling after its calls were used up.
    #[error("the program made more than its {0} calls")]
    Calls(u64),
    /// The guest has too many calls, timers or tasks under way.
    #[error("the program has too many things under way at once")]
    Handles,
}

impl Exceeded {
    /// What a program's author can do about it. How a budget is raised is for whoever sets it to say.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Exceeded::Cpu(_) => "look for a loop that does not end",
            Exceeded::Wall(_) => "a tool may be slow, or a promise may never be settled",
            Exceeded::Memory(_) => "work on the data in parts",
            Exceeded::Result(_) => "return the few values that matter instead of all data",
            Exceeded::Handles => "wait for some before starting more",
            Exceeded::Calls(_) => "ask for more per call",
        }
    }
}

/// The CPU clock of one run: it ticks only while the run's future is polled, with the CPU time of the polling thread, so that
/// neither waiting nor a busy machine counts.
#[derive(Debug, Default)]
pub(crate) struct CpuClock {
    state: Mutex<CpuTime>,
}

#[derive(Debug, Default)]
struct CpuTime {
    spent: Duration,
    /// The polling thread's CPU time at the start of the poll that is under way.
    since: Option<Duration>,
}

impl CpuClock {
    /// To be asked from the polling thread, or between polls.
    pub(crate) fn spent(&self) -> Duration {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let running = state
            .since
            .map_or(Duration::ZERO, |since| thread_time().saturating_sub(since));
        state.spent + running
    }

    fn start(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.since = Some(thread_time());
    }

    fn stop(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = state.since.take() {
            state.spent += thread_time().saturating_sub(since);
        }
    }
}

/// CPU time of the calling thread.
#[cfg(unix)]
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

#[cfg(not(unix))]
fn thread_time() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    START.elapsed()
}

/// A future whose polls are measured by a clock.
pub(crate) struct Metered<F> {
    pub(crate) clock: Arc<CpuClock>,
    pub(crate) future: Pin<Box<F>>,
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.clock.start();
        let poll = self.future.as_mut().poll(cx);
        self.clock.stop();
        poll
    }
}

/// Counts the bytes of all memories and tables of one store, together with those of the other stores of its run. They are
/// given back when the store goes.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    limit: usize,
    own: usize,
    run: Arc<AtomicUsize>,
}

impl MemoryBudget {
    /// Of one more store of a run whose stores hold so many bytes so far.
    pub(crate) fn new(limit: usize, run: &Arc<AtomicUsize>) -> MemoryBudget {
        MemoryBudget {
            limit,
            own: 0,
            run: Arc::clone(run),
        }
    }

    fn grow(&mut self, current: usize, desired: usize) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        self.own = self.own.saturating_add(more);
        let before = self.run.fetch_add(more, Ordering::Relaxed);
        if before.saturating_add(more) > self.limit {
            // A refused growth would leave some engines spinning; an error ends the run at once.
            return Err(wasmtime::Error::new(Exceeded::Memory(self.limit)));
        }
        Ok(true)
    }
}

impl Drop for MemoryBudget {
    fn drop(&mut self) {
        self.run.fetch_sub(self.own, Ordering::Relaxed);
    }
}

impl ResourceLimiter for MemoryBudget {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.grow(current, desired)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.grow(
            current.saturating_mul(size_of::<usize>()),
            desired.saturating_mul(size_of::<usize>()),
        )
    }

    fn instances(&self) -> usize {
        200
    }

    fn tables(&self) -> usize {
        200
    }

    fn memories(&self) -> usize {
        50
    }
}

/// What an epoch asks: may this run go on?
pub(crate) fn check_time(
    clock: &CpuClock,
    elapsed: Duration,
    limits: &Limits,
) -> Result<(), Exceeded> {
    if clock.spent() > limits.cpu {
        return Err(Exceeded::Cpu(limits.cpu));
    }
    if elapsed > limits.wall {
        return Err(Exceeded::Wall(limits.wall));
    }
    Ok(())
}

/// How often a running guest is asked to check its time.
const TICK: Duration = Duration::from_millis(2);

/// The thread that advances the engine's epoch while any run is active. It sleeps otherwise, and ends with the host.
#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    active: Mutex<usize>,
    wake: Condvar,
    closed: AtomicUsize,
}

/// One active run; the ticker ticks as long as any is held.
#[derive(Debug)]
pub(crate) struct Active(Arc<Shared>);

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Ticker> {
        let shared = Arc::new(Shared::default());
        let (thread, engine) = (Arc::clone(&shared), engine.weak());
        std::thread::Builder::new()
            .name("witgate-epoch".into())
            .spawn(move || {
                while thread.closed.load(Ordering::Acquire) == 0 {
                    let mut active = thread.active.lock().unwrap_or_else(PoisonError::into_inner);
                    while *active == 0 && thread.closed.load(Ordering::Acquire) == 0 {
                        active = thread
                            .wake
                            .wait(active)
                            .unwrap_or_else(PoisonError::into_inner);
                    }
                    drop(active);
                    std::thread::sleep(TICK);
                    match engine.upgrade() {
                        Some(engine) => engine.increment_epoch(),
                        None => return,
                    }
                }
            })?;
        Ok(Ticker { shared })
    }

    pub(crate) fn activate(&self) -> Active {
        *self
            .shared
            .active
            .lock()
            .unwrap_or_else(PoisonError::into_inner) += 1;
        self.shared.wake.notify_one();
        Active(Arc::clone(&self.shared))
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        *self.0.active.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.closed.store(1, Ordering::Release);
        self.shared.wake.notify_one();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn waiting_costs_no_cpu_time() {
        let clock = Arc::new(CpuClock::default());
        let started = Instant::now();
        let future = Box::pin(tokio::time::sleep(Duration::from_millis(200)));
        Metered {
            clock: Arc::clone(&clock),
            future,
        }
        .await;
        assert!(clock.spent() < started.elapsed() / 2);
    }

    #[test]
    fn memories_and_tables_of_a_run_count_together() {
        let run = Arc::default();
        let mut budget = MemoryBudget::new(1000, &run);
        assert!(budget.memory_growing(0, 600, None).unwrap());
        assert!(budget.table_growing(0, 20, None).unwrap());
        let mut other = MemoryBudget::new(1000, &run);
        assert!(other.memory_growing(0, 200, None).unwrap());
        let error = other.memory_growing(200, 300, None).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(Exceeded::Memory(1000))));
        drop(other);
        assert!(budget.memory_growing(600, 800, None).unwrap());
        let error = budget.memory_growing(800, 900, None).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(Exceeded::Memory(1000))));
    }
}
