//! Which addresses the gateway may send to, and which URLs it accepts as targets.
//!
//! An address is judged when a URL is entered, if the URL holds one, and again for every address its name resolves to, just before the
//! connection is made to exactly that address. URLs are read as browsers read them (WHATWG), because resolvers understand the same odd
//! spellings of addresses: `0x7f.1`, `2130706433`, full-width digits.

mod cidr;
mod policy;
mod ranges;
mod target;
#[cfg(test)]
mod tests;

pub use cidr::{BadCidr, Cidr};
pub use policy::{AddressPolicy, Refusal};
pub use target::{TargetUrl, UrlFault, check_url};

/// The longest target URL, in bytes.
pub const URL_MAX: usize = 2048;
