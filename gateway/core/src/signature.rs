//! Signatures, both ways: ours on what we send, and partners' on what they post. Everything works on the raw bytes of a body, before
//! anybody decodes, parses or decompresses them.
//!
//! A partner's way of signing is data, a [`Scheme`]; one engine, [`Verifier`], carries out all of them. What a scheme does not say is
//! refused: a second header of the same name, a signature cut short, a time outside the window.

mod encoding;
mod fault;
mod headers;
mod hmac_scheme;
mod legacy;
mod mac;
mod place;
mod scheme;
mod sign;
mod standard;
#[cfg(test)]
mod tests;
mod verify;
mod window;

pub use fault::{Direction, Flaw, VerifyError};
pub use headers::Headers;
pub use hmac_scheme::{Digest, Encoding, HmacScheme, Part, TimestampUnit};
pub use legacy::{BadTemplate, LEGACY_MAX, LegacySignature, LegacySigner, SignedContent, Template};
pub(crate) use place::is_header_name;
pub use place::{BadPlace, Place};
pub use scheme::{BadScheme, Scheme};
pub use sign::{Signer, sign, sign_v1};
pub use verify::{Tier, Verified, Verifier, verify};

/// The longest signature header that is looked at, in bytes.
pub const HEADER_MAX: usize = 8 * 1024;
/// The most signatures one header may carry.
pub const SIGNATURES_MAX: usize = 16;
/// The longest message id a header may carry, in bytes.
pub const ID_MAX: usize = 256;
