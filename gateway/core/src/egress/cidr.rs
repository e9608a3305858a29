//! Ranges of addresses, as operators write them: `10.0.0.0/8`, `fd00::/8`, `192.0.2.7`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A range of addresses. A single address is a range of full length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is not a range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCidr {
    /// Not an address and a length.
    #[error("expected an address and a length, such as 10.0.0.0/8 or fd00::/8")]
    Form,
    /// The length is more than 32 or 128.
    #[error("the length is beyond {most}")]
    Length {
        /// The longest possible length.
        most: u8,
    },
    /// The address has bits beyond the length: `10.0.0.1/8` may mean 10.0.0.0/8 as well as 10.0.0.1/32.
    #[error("the address has bits set beyond the length; write either the range or the single address")]
    HostBits,
}

impl Cidr {
    /// A range; bits of the address beyond the length are refused.
    pub fn try_new(address: IpAddr, prefix: u8) -> Result<Self, BadCidr> {
        let most = length_of(address);
        if prefix > most {
            return Err(BadCidr::Length { most });
        }
        if bits(address) & !mask(prefix) != 0 {
            return Err(BadCidr::HostBits);
        }
        Ok(Self { address, prefix })
    }

    /// Whether an address lies in the range. The two families have no addresses in common.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && bits(address) & mask(self.prefix) == bits(self.address)
    }

    /// Whether the range is a single address.
    pub fn is_single(&self) -> bool {
        self.prefix == length_of(self.address)
    }
}

impl FromStr for Cidr {
    type Err = BadCidr;

    fn from_str(text: &str) -> Result<Self, BadCidr> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| BadCidr::Form)?;
        let prefix = match prefix {
            None => length_of(address),
            // `parse` would take a plus sign as well.
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_| BadCidr::Length { most: length_of(address) })?
            }
            Some(_) => return Err(BadCidr::Form),
        };
        Self::try_new(address, prefix)
    }
}

impl TryFrom<String> for Cidr {
    type Error = BadCidr;

    fn try_from(text: String) -> Result<Self, BadCidr> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.to_string()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

fn length_of(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address at the top of 128 bits, so that a length means the same for both families.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => Ipv6Addr::to_bits(v6),
    }
}

fn mask(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}
