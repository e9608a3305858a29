//! The threads that run guests, behind one bounded queue. Guests never run on the server's own workers: one that
//! computes for its whole deadline would hold up every task beside it.
//!
//! Versions take turns, and those that were slow when last called may hold no more than half of the threads between
//! them. So a plugin that runs into its deadline again and again delays itself and its like, and nobody else.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Handle, Runtime};
use tokio::time::Instant;

use crate::idle::{Idle, SWEEP_INTERVAL};

/// A call that is ready to run, as the thread sees it. It sends its own answer.
pub(crate) type Job = Box<dyn for<'a> FnOnce(&'a Idle) -> Pin<Box<dyn Future<Output = ()> + 'a>> + Send>;

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
    /// The threads that wait, the one that worked last at the end: it is woken first, since its caches are warm, and the
    /// instances that it keeps are the likeliest to be of use.
    parked: Vec<usize>,
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
    /// What each thread waits for.
    ready: Vec<Condvar>,
    len_max: usize,
    slow_max: usize,
    running: AtomicUsize,
    /// Instances that the threads keep.
    idle: Arc<AtomicUsize>,
}

/// What a thread is to do next.
enum Next {
    Run(Task),
    /// Look after the instances that it keeps.
    Sweep,
    /// The pool is closed and everything is done.
    End,
}

impl Shared {
    /// No code panics while it holds the lock, so a poisoned one guards a sound queue all the same.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the thread that worked last, if any waits.
    fn wake_one(&self, mut queue: MutexGuard<'_, Queue>) {
        let woken = queue.parked.pop();
        drop(queue);
        if let Some(number) = woken {
            self.ready[number].notify_one();
        }
    }

    fn wake_all(&self, mut queue: MutexGuard<'_, Queue>) {
        for number in std::mem::take(&mut queue.parked) {
            self.ready[number].notify_one();
        }
    }

    /// What a thread is to do next; one that keeps instances is not left waiting for long.
    fn next(&self, number: usize, keeps_some: bool) -> Next {
        let mut queue = self.lock();
        let mut waited_out = false;
        loop {
            // Woken by nobody, it is still among those that wait.
            queue.parked.retain(|parked| *parked != number);
            if let Some(task) = queue.pop(self.slow_max) {
                self.running.fetch_add(1, Ordering::Relaxed);
                return Next::Run(task);
            }
            // What is left when the pool closes is for the threads that are still at it.
            if queue.closed {
                return Next::End;
            }
            if waited_out {
                return Next::Sweep;
            }
            queue.parked.push(number);
            if keeps_some {
                let woken =
                    self.ready[number].wait_timeout(queue, SWEEP_INTERVAL).unwrap_or_else(PoisonError::into_inner);
                (queue, waited_out) = (woken.0, woken.1.timed_out());
            } else {
                queue = self.ready[number].wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn finish(&self, pace: &Pace, counted_as_slow: bool, took: Duration) {
        self.running.fetch_sub(1, Ordering::Relaxed);
        let is_slow = took > SLOW;
        let was_slow = pace.slow.swap(is_slow, Ordering::Relaxed);
        if !counted_as_slow && (is_slow || !was_slow) {
            return;
        }
        // Jobs that had to wait may go on now, and this thread takes one alone.
        let mut queue = self.lock();
        queue.slow_running -= usize::from(counted_as_slow);
        self.wake_all(queue);
    }
}

/// The threads. They finish what is queued and end when the pool is dropped.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    runtime: Handle,
}

impl Pool {
    pub(crate) fn start(threads: usize, len_max: usize) -> std::io::Result<Self> {
        let queue = Mutex::new(Queue {
            lanes: VecDeque::new(),
            waiting: 0,
            slow_running: 0,
            closed: false,
            parked: Vec::with_capacity(threads),
        });
        let slow_max = (threads / 2).max(1);
        let first = runtime()?;
        let handle = first.handle().clone();
        // Made first: if a thread cannot be started, the ones before it are told to end.
        let shared = Shared {
            queue,
            ready: (0..threads).map(|_| Condvar::new()).collect(),
            len_max,
            slow_max,
            running: AtomicUsize::new(0),
            idle: Arc::default(),
        };
        let pool = Self { shared: Arc::new(shared), runtime: handle };
        let mut first = Some(first);
        for number in 0..threads {
            let runtime = first.take().map_or_else(runtime, Ok)?;
            let shared = Arc::clone(&pool.shared);
            thread::Builder::new().name(format!("plugin-{number}")).spawn(move || work(number, &shared, &runtime))?;
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
        self.shared.wake_one(queue);
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

    /// How many jobs may wait.
    pub(crate) fn waiting_max(&self) -> usize {
        self.shared.len_max
    }

    /// How many jobs are running.
    pub(crate) fn running(&self) -> usize {
        self.shared.running.load(Ordering::Relaxed)
    }

    /// How many instances the threads keep.
    pub(crate) fn idle(&self) -> usize {
        self.shared.idle.load(Ordering::Relaxed)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.closed = true;
        self.shared.wake_all(queue);
    }
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().build()
}

fn work(number: usize, shared: &Shared, runtime: &Runtime) {
    let idle = Idle::new(Arc::clone(&shared.idle));
    // What instances hold may belong to the runtime, so they end inside it.
    let _entered = runtime.enter();
    loop {
        match shared.next(number, !idle.is_empty()) {
            Next::Run(Task { job, pace, counts_as_slow }) => {
                let started = Instant::now();
                // A panic would be a fault of the host's. The caller learns of it as its answer is dropped; the thread
                // lives on.
                if catch_unwind(AssertUnwindSafe(|| runtime.block_on(job(&idle)))).is_err() {
                    tracing::error!("a plugin call panicked in the host");
                }
                shared.finish(&pace, counts_as_slow, started.elapsed());
            }
            Next::Sweep => {}
            Next::End => return,
        }
        idle.sweep();
    }
}
