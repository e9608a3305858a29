//! Signatures, both ways: ours on what we send, and partners' on what they post. Everything works on the raw bytes of a body, before
//! anybody decodes, parses or decompresses them.
//!
//! A partner's way of signing is data, a [`Scheme`]; one engine, [`Verifier`], carries out all of them. What a scheme does not say is
//! refused: a second header of the same name, a signature cut short, a time outside the window.

mod credential;
mod digest;
mod encoding;
mod fault;
mod fields;
mod format;
mod headers;
mod key;
mod legacy;
mod mac;
mod part;
mod place;
mod request;
mod scheme;
mod sign;
mod sign_request;
mod signature_scheme;
mod standard;
#[cfg(test)]
mod tests;
mod url;
mod verify;
mod window;

pub use credential::TokenScheme;
pub use digest::{BodyDigest, Digest};
pub use encoding::Encoding;
pub(crate) use encoding::encode;
pub use fault::{Direction, Flaw, VerifyError};
pub use format::Format;
pub use headers::Headers;
pub use key::KeyDerivation;
pub use legacy::{BadTemplate, LEGACY_MAX, LegacySignature, LegacySigner, SignedContent, Template};
pub(crate) use mac::Keyed;
pub use part::Part;
pub(crate) use place::is_header_name;
pub use place::{BadPlace, Place};
pub use request::Request;
pub(crate) use request::text_at;
pub use scheme::{BadScheme, Scheme};
pub use sign::{Signer, sign, sign_v1};
pub use sign_request::{CannotSign, Signed, sign_request};
pub use signature_scheme::SignatureScheme;
pub use url::is_public_url;
pub use verify::{Tier, Verified, Verifier, verify};
pub use window::TimestampUnit;

/// The longest signature header that is looked at, in bytes.
pub const HEADER_MAX: usize = 8 * 1024;
/// The most signatures one header may carry.
pub const SIGNATURES_MAX: usize = 16;
/// The most of them that are asymmetric: each costs a look at the whole body for every key, and anybody may send them.
pub const ASYMMETRIC_MAX: usize = 4;
/// The longest message id a header may carry, in bytes.
pub const ID_MAX: usize = 256;
