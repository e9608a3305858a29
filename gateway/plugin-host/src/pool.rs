//! The threads that run guests, behind one bounded queue. Guests never run on the server's own workers: one that
//! computes for its whole deadline would hold up every task beside it.
//!
//! Versions take turns, and those that were slow when last called may hold no more than half of the threads between
//! them. So a plugin that runs into its deadline again and again delays itself and its like, and nobody else.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Handle, Runtime};
use tokio::time::Instant;

/// A call that is ready to run, as the thread sees it. It sends its own answer.
pub(crate) type Job = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// A version whose call took longer counts as slow until one is quicker again.
const SLOW: Duration = Duration::from_millis(20);

/// The queue is full.
#[derive(Debug)]
pub(crate) struct Full;

/// How a version has been doing; calls that share one wait in one line.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    slow: AtomicBool,
}

impl Pace {
    fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed)
    }
}

/// The calls of one version that wait, in order.
struct Lane {
    pace: Arc<Pace>,
    jobs: VecDeque<Job>,
}

/// Lanes in the order in which their turns come; none is empty.
struct Queue {
    lanes: VecDeque<Lane>,
    waiting: usize,
    /// Calls of slow versions that are running.
    slow_running: usize,
    closed: bool,
}

impl Queue {
    fn push(&mut self, pace: &Arc<Pace>, job: Job) {
        self.waiting += 1;
        match self.lanes.iter_mut().find(|lane| Arc::ptr_eq(&lane.pace, pace)) {
            Some(lane) => lane.jobs.push_back(job),
            None => self.lanes.push_back(Lane { pace: Arc::clone(pace), jobs: VecDeque::from([job]) }),
        }
    }

    /// The first job of the first lane that may go on; the lane then waits for its next turn.
    fn pop(&mut self, slow_max: usize) -> Option<Task> {
        let may_be_slow = self.slow_running < slow_max;
        let at = self.lanes.iter().position(|lane| may_be_slow || !lane.pace.is_slow())?;
        let mut lane = self.lanes.remove(at)?;
        let job = lane.jobs.pop_front()?;
        let pace = Arc::clone(&lane.pace);
        if !lane.jobs.is_empty() {
            self.lanes.push_back(lane);
        }
        self.waiting -= 1;
        let counts_as_slow = pace.is_slow();
        self.slow_running += usize::from(counts_as_slow);
        Some(Task { job, pace, counts_as_slow })
    }
}

/// A job that a thread has taken.
struct Task {
    job: Job,
    pace: Arc<Pace>,
    counts_as_slow: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    ready: Condvar,
    len_max: usize,
    slow_max: usize,
}

impl Shared {
    /// No code panics while it holds the lock, so a poisoned one guards a sound queue all the same.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; `None` when the pool is closed and everything is done.
    fn next(&self) -> Option<Task> {
        let mut queue = self.lock();
        loop {
            if let Some(task) = queue.pop(self.slow_max) {
                return Some(task);
            }
            // What is left when the pool closes is for the threads that are still at it.
            if queue.closed {
                return None;
            }
            queue = self.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn finish(&self, pace: &Pace, counted_as_slow: bool, took: Duration) {
        let is_slow = took > SLOW;
        let was_slow = pace.slow.swap(is_slow, Ordering::Relaxed);
        if counted_as_slow {
            self.lock().slow_running -= 1;
        }
        // Jobs that had to wait may go on now, and this thread takes one alone.
        if counted_as_slow || (was_slow && !is_slow) {
            self.ready.notify_all();
        }
    }
}

/// The threads. They finish what is queued and end when the pool is dropped.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    runtime: Handle,
}

impl Pool {
    pub(crate) fn start(threads: usize, len_max: usize) -> std::io::Result<Self> {
        let queue = Mutex::new(Queue { lanes: VecDeque::new(), waiting: 0, slow_running: 0, closed: false });
        let slow_max = (threads / 2).max(1);
        let first = runtime()?;
        let handle = first.handle().clone();
        // Made first: if a thread cannot be started, the ones before it are told to end.
        let shared = Shared { queue, ready: Condvar::new(), len_max, slow_max };
        let pool = Self { shared: Arc::new(shared), runtime: handle };
        let mut first = Some(first);
        for number in 0..threads {
            let runtime = first.take().map_or_else(runtime, Ok)?;
            let shared = Arc::clone(&pool.shared);
            thread::Builder::new().name(format!("plugin-{number}")).spawn(move || work(&shared, &runtime))?;
        }
        Ok(pool)
    }

    /// Queues a job in its version's line, or gives it up if too many are waiting. A slow version may fill no more than
    /// half of the queue, so that there is room for the others.
    pub(crate) fn submit(&self, pace: &Arc<Pace>, job: Job) -> Result<(), Full> {
        let mut queue = self.shared.lock();
        let len_max = if pace.is_slow() { self.shared.len_max.div_ceil(2) } else { self.shared.len_max };
        if queue.waiting >= len_max {
            return Err(Full);
        }
        queue.push(pace, job);
        drop(queue);
        self.shared.ready.notify_one();
        Ok(())
    }

    /// The runtime of one of the threads: for what needs clocks and is never waited for.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// How many jobs wait.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.lock().waiting
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.ready.notify_all();
    }
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().build()
}

fn work(shared: &Shared, runtime: &Runtime) {
    while let Some(Task { job, pace, counts_as_slow }) = shared.next() {
        let started = Instant::now();
        // A panic would be a fault of the host's. The caller learns of it as its answer is dropped; the thread lives on.
        if catch_unwind(AssertUnwindSafe(|| runtime.block_on(job()))).is_err() {
            tracing::error!("a plugin call panicked in the host");
        }
        shared.finish(&pace, counts_as_slow, started.elapsed());
    }
}
