//! Secrets as values: what they must look like, how they are shown once, and how they never are again.
//!
//! None of these types implements `Display` or `Serialize`, their `Debug` says nothing, and their memory is wiped when they go.
//! `reveal` is the one way to the text, easy to find in a review.

mod api_key;
mod credential;
mod ed25519;
mod key;
mod live;
mod raw;
mod signing;
#[cfg(test)]
mod tests;

use subtle::ConstantTimeEq;

pub use api_key::{ApiKey, BadApiKey};
pub use credential::CredentialText;
pub use ed25519::{Ed25519Public, Ed25519Secret};
pub use key::{KeyKind, SigningKey};
pub use live::{BadRotation, LIVE_MAX, LiveSecret, live, rotated};
pub use raw::RawSecret;
pub(crate) use signing::LENIENT;
pub use signing::SigningSecret;

/// Why a text is not a secret of the kind asked for. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    /// Nothing at all: an empty key would let anybody sign.
    #[error("the secret is empty")]
    Empty,
    /// The part after `whsec_` is not base64.
    #[error("the secret is not base64 (expected whsec_ and 24 to 64 bytes in base64)")]
    Base64,
    /// A key of another kind, such as the asymmetric `whsk_` or `whpk_`.
    #[error("the secret is of another kind (expected whsec_ and 24 to 64 bytes in base64)")]
    Kind,
    /// Too short to be safe or longer than Standard Webhooks allows.
    #[error("the secret holds {bytes} bytes (expected 24 to 64)")]
    Length {
        /// How many bytes there are after decoding.
        bytes: usize,
    },
    /// Not a private ed25519 key.
    #[error(
        "the secret is not an ed25519 key (expected whsk_ and in base64 the 32 bytes of its seed, or 64 with its public key)"
    )]
    Ed25519,
    /// Not a public ed25519 key.
    #[error(
        "not a public ed25519 key (expected whpk_ and 32 bytes in base64; a scheme of type ed25519 takes base64, hexadecimal digits and PEM, too)"
    )]
    Public,
    /// Not base64, where the scheme's key is written so.
    #[error("the secret is not base64")]
    NotBase64,
    /// Not hexadecimal, where the scheme's key is written so.
    #[error("the secret is not hexadecimal")]
    NotHex,
    /// Not a user's name and password.
    #[error("the secret is not of the form user:password")]
    Basic,
    /// Not the fingerprint of a certificate.
    #[error("the secret is not a SHA-256 fingerprint (expected 64 hexadecimal digits)")]
    Fingerprint,
    /// A verbatim secret that is longer than 512 bytes.
    #[error("the secret is longer than 512 bytes")]
    TooLong,
    /// A credential that is longer than 8,192 bytes.
    #[error("the secret is longer than 8192 bytes")]
    CredentialTooLong,
}

/// Compares without telling by its duration where the difference is. Lengths are not hidden.
pub fn constant_time_eq(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}
