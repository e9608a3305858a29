//! The ranges that no delivery goes to, by the IANA special-purpose address registries (RFC 6890 and its successors) and the
//! cloud providers' metadata services.

use std::net::{IpAddr, Ipv4Addr};

/// A range that is refused.
#[derive(Clone, Copy)]
pub(super) struct Range {
    first: u128,
    length: u8,
    pub(super) name: &'static str,
    /// Whether only an allow-list entry for the single address opens it: here live the keys to the machine.
    pub(super) exact: bool,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8, name: &'static str) -> Range {
    Range { first: Ipv4Addr::new(a, b, c, d).to_bits() as u128, length, name, exact: false }
}

const fn v6(segments: [u16; 8], length: u8, name: &'static str) -> Range {
    let (mut first, mut at) = (0, 0);
    while at < segments.len() {
        first = first << 16 | segments[at] as u128;
        at += 1;
    }
    Range { first, length, name, exact: false }
}

const fn exact(range: Range) -> Range {
    Range { exact: true, ..range }
}

/// The first match counts: single addresses stand before the ranges they lie in.
const V4: [Range; 21] = [
    v4(0, 0, 0, 0, 8, "this network"),
    v4(10, 0, 0, 0, 8, "private"),
    exact(v4(100, 100, 100, 200, 32, "cloud metadata")),
    v4(100, 64, 0, 0, 10, "carrier-grade NAT"),
    v4(127, 0, 0, 0, 8, "loopback"),
    exact(v4(168, 63, 129, 16, 32, "cloud metadata")),
    exact(v4(169, 254, 0, 0, 16, "link-local")),
    v4(172, 16, 0, 0, 12, "private"),
    exact(v4(192, 0, 0, 192, 32, "cloud metadata")),
    v4(192, 0, 0, 0, 24, "protocol assignments"),
    v4(192, 0, 2, 0, 24, "documentation"),
    v4(192, 31, 196, 0, 24, "AS112"),
    v4(192, 52, 193, 0, 24, "AMT"),
    v4(192, 88, 99, 0, 24, "6to4 relay"),
    v4(192, 168, 0, 0, 16, "private"),
    v4(192, 175, 48, 0, 24, "AS112"),
    v4(198, 18, 0, 0, 15, "benchmarking"),
    v4(198, 51, 100, 0, 24, "documentation"),
    v4(203, 0, 113, 0, 24, "documentation"),
    v4(224, 0, 0, 0, 4, "multicast"),
    v4(240, 0, 0, 0, 4, "reserved"),
];

/// What is not in `2000::/3` is refused whether it is named here or not.
const V6: [Range; 18] = [
    v6([0, 0, 0, 0, 0, 0, 0, 0], 128, "unspecified"),
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback"),
    v6([0, 0, 0, 0, 0, 0, 0, 0], 96, "IPv4-compatible"),
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, "local NAT64"),
    v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "discard"),
    v6([0x100, 0, 0, 1, 0, 0, 0, 0], 64, "dummy prefix"),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, "Teredo"),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, "protocol assignments"),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "documentation"),
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "6to4"),
    v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48, "AS112"),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "documentation"),
    v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, "segment routing"),
    exact(v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128, "cloud metadata")),
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "private"),
    exact(v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link-local")),
    v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "site-local"),
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast"),
];

const NOT_GLOBAL: Range = v6([0, 0, 0, 0, 0, 0, 0, 0], 0, "not global unicast");

/// The range that refuses an address, if any does.
pub(super) fn refusing(address: IpAddr) -> Option<&'static Range> {
    match address {
        IpAddr::V4(v4) => V4.iter().find(|range| range.holds(v4.to_bits().into(), 32)),
        IpAddr::V6(v6) => {
            let global = v6.segments()[0] >> 13 == 1;
            let named = V6.iter().find(|range| range.holds(v6.to_bits(), 128));
            named.or((!global).then_some(&NOT_GLOBAL))
        }
    }
}

/// The IPv4 address that an IPv6 address stands for on the wire: mapped (`::ffff:0:0/96`) or translated (`64:ff9b::/96`, RFC 6052).
pub(super) fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let [.., a, b, c, d] = v6.octets();
    let translated = v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    v6.to_ipv4_mapped().or(translated.then_some(Ipv4Addr::new(a, b, c, d)))
}

/// The IPv4 addresses that an IPv6 address carries for whoever unpacks it on its way: 6to4 (RFC 3056), Teredo's server and client (RFC 4380), a local NAT64
/// (RFC 8215), ISATAP (RFC 5214) and the IPv4-compatible form. An allow-list that opens such a range opens none of them.
pub(super) fn carried(address: IpAddr) -> impl Iterator<Item = Ipv4Addr> {
    let v6 = match address {
        IpAddr::V6(v6) if !v6.is_loopback() && !v6.is_unspecified() => Some(v6),
        _ => None,
    };
    v6.into_iter().flat_map(|v6| {
        let (bytes, segments) = (v6.octets(), v6.segments());
        let at = |from: usize| Ipv4Addr::new(bytes[from], bytes[from + 1], bytes[from + 2], bytes[from + 3]);
        let found = match segments {
            [0x2002, ..] => [Some(at(2)), None],
            [0x2001, 0, ..] => [Some(at(4)), Some(Ipv4Addr::from_bits(!at(12).to_bits()))],
            // By a prefix of 48 bits the address is in two halves around the eighth byte, and nothing comes after it.
            [0x64, 0xff9b, 1, ..] if bytes[11..] == [0; 5] => {
                [Some(Ipv4Addr::new(bytes[6], bytes[7], bytes[9], bytes[10])), None]
            }
            [0x64, 0xff9b, 1, ..] | [0, 0, 0, 0, 0, 0, ..] | [_, _, _, _, 0 | 0x200, 0x5efe, ..] => {
                [Some(at(12)), None]
            }
            _ => [None, None],
        };
        found.into_iter().flatten()
    })
}

impl Range {
    fn holds(&self, address: u128, width: u8) -> bool {
        let beyond = u32::from(width - self.length);
        (address ^ self.first).checked_shr(beyond).unwrap_or(0) == 0
    }
}
