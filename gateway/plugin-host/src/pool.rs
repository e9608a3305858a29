//! The threads that run guests, behind one bounded queue. Guests never run on the server's own workers: one that
//! computes for its whole deadline would hold up every task beside it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// A call that is ready to run, as the thread sees it. It sends its own answer.
pub(crate) type Job = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// The queue is full.
#[derive(Debug)]
pub(crate) struct Full;

struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    ready: Condvar,
    len_max: usize,
}

impl Shared {
    /// No code panics while it holds the lock, so a poisoned one guards a sound queue all the same.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; `None` when the pool is closed and everything is done.
    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            queue = self.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The threads. They finish what is queued and end when the pool is dropped.
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

impl Pool {
    pub(crate) fn start(threads: usize, len_max: usize) -> std::io::Result<Self> {
        let queue = Mutex::new(Queue { jobs: VecDeque::new(), closed: false });
        // Made first: if a thread cannot be started, the ones before it are told to end.
        let pool = Self { shared: Arc::new(Shared { queue, ready: Condvar::new(), len_max }) };
        for number in 0..threads {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
            let shared = Arc::clone(&pool.shared);
            thread::Builder::new().name(format!("plugin-{number}")).spawn(move || work(&shared, &runtime))?;
        }
        Ok(pool)
    }

    /// Queues a job, or gives it up if too many are waiting.
    pub(crate) fn submit(&self, job: Job) -> Result<(), Full> {
        let mut queue = self.shared.lock();
        if queue.jobs.len() >= self.shared.len_max {
            return Err(Full);
        }
        queue.jobs.push_back(job);
        drop(queue);
        self.shared.ready.notify_one();
        Ok(())
    }

    /// How many jobs wait.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.lock().jobs.len()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.ready.notify_all();
    }
}

fn work(shared: &Shared, runtime: &tokio::runtime::Runtime) {
    while let Some(job) = shared.next() {
        // A panic would be a fault of the host's. The caller learns of it as its answer is dropped; the thread lives on.
        if catch_unwind(AssertUnwindSafe(|| runtime.block_on(job()))).is_err() {
            tracing::error!("a plugin call panicked in the host");
        }
    }
}
