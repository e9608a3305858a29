//! Names to addresses, by the machine's own resolver, in bounded time and on a bounded number of threads.

use crate::dispatch::failure::{Failure, FailureKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// Names looked up at once. A resolver that hangs holds its thread for longer than anybody waits for it, and no more than so many.
const LOOKUPS_MAX: usize = 32;
/// The most addresses of one name that are looked at.
const ADDRESSES_MAX: usize = 256;

/// A test's answers, by name.
#[cfg(test)]
pub(super) type Script = Arc<dyn Fn(&str) -> Vec<std::net::IpAddr> + Send + Sync>;

/// How names are looked up.
#[derive(Clone)]
pub(super) enum Resolver {
    /// As every program on this machine does; the permits bound the threads.
    System(Arc<Semaphore>),
    /// As a test says.
    #[cfg(test)]
    Scripted(Script),
}

impl Resolver {
    /// The machine's resolver.
    pub(super) fn system() -> Self {
        Self::System(Arc::new(Semaphore::new(LOOKUPS_MAX)))
    }

    /// All addresses of a name, before the deadline.
    pub(super) async fn look_up(&self, host: &str, port: u16, deadline: Instant) -> Result<Vec<SocketAddr>, Failure> {
        let found = match self {
            Self::System(permits) => {
                let asked = ask_system(Arc::clone(permits), host.to_owned(), port);
                let late = || Failure::new(FailureKind::Dns, "the host's name was not resolved in time");
                timeout_at(deadline, asked).await.map_err(|_| late())?
            }
            #[cfg(test)]
            Self::Scripted(answers) => answers(host).into_iter().map(|ip| SocketAddr::new(ip, port)).collect(),
        };
        match found.len() {
            0 => Err(Failure::new(FailureKind::Dns, "the host's name has no address")),
            1..=ADDRESSES_MAX => Ok(found),
            _ => Err(Failure::new(FailureKind::Dns, "the host's name has more than 256 addresses")),
        }
    }
}

/// What the system finds, which is nothing if it fails.
async fn ask_system(permits: Arc<Semaphore>, host: String, port: u16) -> Vec<SocketAddr> {
    let Ok(permit) = permits.acquire_owned().await else { return Vec::new() };
    let asked = tokio::task::spawn_blocking(move || {
        // Held until the thread is free again, not until nobody waits any more.
        let _permit = permit;
        (host.as_str(), port).to_socket_addrs().map(|found| found.take(ADDRESSES_MAX + 1).collect::<Vec<_>>())
    });
    asked.await.ok().and_then(Result::ok).unwrap_or_default()
}
