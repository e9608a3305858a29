//! The address policy: the public internet, and what an operator allowed besides.

use std::net::IpAddr;

use super::{Cidr, ranges};

/// The addresses a delivery may go to: every public one, and the ranges on the allow-list.
///
/// Link-local addresses and the clouds' metadata services open only to an entry for the single address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    /// The ranges an operator allowed.
    pub allow: Vec<Cidr>,
}

/// An address that no delivery goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address is not allowed ({range})")]
pub struct Refusal {
    /// What kind of address it is, such as `loopback`.
    pub range: &'static str,
}

impl AddressPolicy {
    /// Whether a delivery may go to an address. An IPv6 address that stands for an IPv4 address is judged as that, and one that
    /// carries others must be allowed to go to them as well.
    pub fn judge(&self, address: IpAddr) -> Result<(), Refusal> {
        self.judge_itself(address)?;
        ranges::carried(address).try_for_each(|carried| self.judge_itself(IpAddr::V4(carried)))
    }

    fn judge_itself(&self, address: IpAddr) -> Result<(), Refusal> {
        let judged = ranges::embedded(address).map_or(address, IpAddr::V4);
        match ranges::refusing(judged) {
            None => Ok(()),
            Some(range) if self.lists(judged, range.exact) || self.lists(address, range.exact) => Ok(()),
            Some(range) => Err(Refusal { range: range.name }),
        }
    }

    /// Whether an operator put this very address on the allow-list, public or not: what plain `http` needs.
    pub fn allows(&self, address: IpAddr) -> bool {
        let judged = ranges::embedded(address).map_or(address, IpAddr::V4);
        let exact = ranges::refusing(judged).is_some_and(|range| range.exact);
        self.lists(judged, exact) || self.lists(address, exact)
    }

    fn lists(&self, address: IpAddr, exact: bool) -> bool {
        self.allow.iter().any(|range| range.contains(address) && (range.is_single() || !exact))
    }
}
