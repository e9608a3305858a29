//! A free port that stays free while a server is restarted.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// Below what systems give to outgoing connections and to listeners on port 0: nobody takes it while the server is down.
const FIRST: u32 = 16_384;
const COUNT: u32 = 16_384;

/// The next port on which nobody listens, and which no other test is given.
///
/// # Panics
/// If none is left.
pub fn free() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..COUNT {
        // Processes that run at the same time begin far from each other.
        let ordinal = std::process::id().wrapping_mul(7_919).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + ordinal % COUNT).unwrap_or(u16::MAX);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port from {FIRST} to {} is free", FIRST + COUNT - 1)
}

#[cfg(test)]
mod tests {
    use super::free;

    #[test]
    fn no_port_is_given_twice_nor_while_somebody_listens_there() {
        let first = free();
        let listener = std::net::TcpListener::bind(("127.0.0.1", free())).unwrap();
        for _ in 0..100 {
            let next = free();
            assert_ne!(next, first);
            assert_ne!(next, listener.local_addr().unwrap().port());
        }
    }
}
