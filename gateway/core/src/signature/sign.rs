//! Our own signatures: Standard Webhooks 1.0.0, symmetric.

use std::fmt::Write;

use super::encoding::encode;
use super::mac::Keyed;
use super::{Digest, Encoding};
use crate::secret::SigningSecret;

/// Signs with every live secret of a subscription, so that the subscriber can rotate at leisure. The keys are prepared once.
#[derive(Clone)]
pub struct Signer(Vec<Keyed>);

impl Signer {
    /// Prepares the secrets; the header lists their signatures in this order.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SigningSecret>) -> Self {
        Self(secrets.into_iter().map(|secret| Keyed::new(Digest::Sha256, secret.key())).collect())
    }

    /// The value of `webhook-signature`: one `v1,<base64>` for each secret, separated by spaces.
    ///
    /// What is signed is `id.timestamp.body`, byte for byte as sent; the body need not be text.
    pub fn sign(&self, id: &str, timestamp_secs: i64, body: &[u8]) -> String {
        let head = format!("{id}.{timestamp_secs}.");
        let mut value = String::with_capacity(self.0.len() * 48);
        for keyed in &self.0 {
            let separator = if value.is_empty() { "" } else { " " };
            let signature = encode(Encoding::Base64, &keyed.of(&[head.as_bytes(), body]));
            // Writing to a String cannot fail.
            let _ = write!(value, "{separator}v1,{signature}");
        }
        value
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({} secrets)", self.0.len())
    }
}

/// The value of `webhook-signature`, for a caller that signs once with these secrets. See [`Signer::sign`].
pub fn sign_v1(secrets: &[SigningSecret], id: &str, timestamp_secs: i64, body: &[u8]) -> String {
    Signer::new(secrets).sign(id, timestamp_secs, body)
}
