//! A child process that ends in time, one way or another.

use std::io;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How a child ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ended {
    /// It had to be ended.
    Late,
    /// Of its own accord, or by a limit of its own.
    ByItself(ExitStatus),
}

/// A child with a thread beside it that ends it when its time is up: then its pipes close, and whoever reads from
/// them goes on.
pub(super) struct Watched {
    child: Arc<Mutex<Child>>,
    done: Sender<()>,
    watch: JoinHandle<bool>,
}

impl Watched {
    pub(super) fn new(child: Child, limit: Duration) -> io::Result<Self> {
        let (done, is_done) = channel::<()>();
        let shared = Arc::new(Mutex::new(child));
        let watched = Arc::clone(&shared);
        let watch = thread::Builder::new().name("plugin-compiler".to_owned()).spawn(move || {
            let late = is_done.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
            if late {
                kill(&watched);
            }
            late
        });
        match watch {
            Ok(watch) => Ok(Self { child: shared, done, watch }),
            Err(error) => {
                kill(&shared);
                Err(error)
            }
        }
    }

    /// Ends it if it is still there, and tells how it ended. To be called when nothing more is expected of it.
    pub(super) fn end(self) -> io::Result<Ended> {
        drop(self.done);
        let late = self.watch.join().unwrap_or(false);
        kill(&self.child);
        let status = self.child.lock().unwrap_or_else(PoisonError::into_inner).wait()?;
        Ok(if late { Ended::Late } else { Ended::ByItself(status) })
    }
}

fn kill(child: &Mutex<Child>) {
    // An error means that it has ended already.
    drop(child.lock().unwrap_or_else(PoisonError::into_inner).kill());
}
