//! This machine's own addresses: to deliver to one is to knock at our own door from inside, even where it is a public one.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

/// An address that is no machine's (RFC 5737).
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Whether an address is one of this machine's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    /// Whether the system tells them from others; with `ip_nonlocal_bind` it takes any address for its own.
    tells: bool,
}

impl Own {
    /// As this system has it.
    pub(super) fn new() -> Self {
        Self { tells: !binds(NOBODY) }
    }

    /// Whether an address is one of this machine's, at this moment.
    pub(super) fn holds(self, address: IpAddr) -> bool {
        self.tells && binds(address)
    }
}

/// Only an address of its own can be sent from.
fn binds(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_s_own_addresses_are_told_from_others() {
        let own = Own::new();
        assert!(own.holds(Ipv4Addr::LOCALHOST.into()));
        for other in ["192.0.2.1", "8.8.8.8", "2001:db8::1"] {
            assert!(!own.holds(other.parse().unwrap()), "{other}");
        }
        assert!(!Own { tells: false }.holds(Ipv4Addr::LOCALHOST.into()));
    }

    #[test]
    fn the_address_packets_leave_by_is_its_own() {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        // Nothing is sent: the system only chooses the way. A machine without one has nothing to show.
        if socket.connect("192.0.2.1:9").is_ok() {
            assert!(Own::new().holds(socket.local_addr().unwrap().ip()));
        }
    }
}
