//! Our own signatures: Standard Webhooks 1.0.0, symmetric (`v1`) and asymmetric (`v1a`).

use std::fmt::Write;

use super::encoding::encode;
use super::mac::Keyed;
use super::{Digest, Encoding};
use crate::secret::{Ed25519Secret, LiveSecret, SigningKey, SigningSecret};

/// Signs with every live secret of a subscription, so that the subscriber can rotate at leisure. The keys are prepared once.
pub struct Signer(Vec<Prepared>);

struct Prepared {
    key: PreparedKey,
    /// From when on it signs nothing, unix milliseconds.
    expires_at: i64,
}

enum PreparedKey {
    V1(Keyed),
    V1a(Ed25519Secret),
}

impl PreparedKey {
    fn of(key: &SigningKey) -> Self {
        match key {
            SigningKey::Hmac(secret) => Self::V1(Keyed::new(Digest::Sha256, secret.key())),
            SigningKey::Ed25519(secret) => Self::V1a(secret.clone()),
        }
    }
}

impl Signer {
    /// Prepares the secrets, newest first; the header lists their signatures in this order.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a LiveSecret>) -> Self {
        // The newest one has no end, whatever is on record: a delivery without a signature would be worth nothing.
        let prepared = |(at, secret): (usize, &LiveSecret)| Prepared {
            key: PreparedKey::of(&secret.key),
            expires_at: secret.expires_at.filter(|_| at > 0).unwrap_or(i64::MAX),
        };
        Self(secrets.into_iter().enumerate().map(prepared).collect())
    }

    /// The value of `webhook-signature`: one `v1,<base64>` or `v1a,<base64>` for each secret that is live now, separated by spaces.
    ///
    /// What is signed is `id.timestamp.body`, byte for byte as sent, with the timestamp in seconds; the body need not be text.
    pub fn sign(&self, id: &str, now_ms: i64, body: &[u8]) -> String {
        let head = format!("{id}.{}.", now_ms.div_euclid(1000));
        let mut value = String::with_capacity(self.0.len() * 48);
        for prepared in self.0.iter().filter(|prepared| now_ms < prepared.expires_at) {
            prepared.key.append(&mut value, head.as_bytes(), body);
        }
        value
    }
}

impl PreparedKey {
    fn append(&self, value: &mut String, head: &[u8], body: &[u8]) {
        let (version, signature) = match self {
            Self::V1(keyed) => ("v1", encode(Encoding::Base64, &keyed.of(&[head, body]))),
            // Ed25519 reads its message twice, so that it needs it in one piece.
            Self::V1a(secret) => ("v1a", encode(Encoding::Base64, &secret.sign(&[head, body].concat()))),
        };
        let separator = if value.is_empty() { "" } else { " " };
        // Writing to a String cannot fail.
        let _ = write!(value, "{separator}{version},{signature}");
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({} secrets)", self.0.len())
    }
}

/// The value of `webhook-signature`, for a caller that signs once with these keys, at a time in unix seconds. See [`Signer::sign`].
pub fn sign<'a>(keys: impl IntoIterator<Item = &'a SigningKey>, id: &str, timestamp_secs: i64, body: &[u8]) -> String {
    let head = format!("{id}.{timestamp_secs}.");
    let mut value = String::new();
    for key in keys {
        PreparedKey::of(key).append(&mut value, head.as_bytes(), body);
    }
    value
}

/// The same with symmetric secrets alone.
pub fn sign_v1(secrets: &[SigningSecret], id: &str, timestamp_secs: i64, body: &[u8]) -> String {
    let keys: Vec<SigningKey> = secrets.iter().cloned().map(SigningKey::Hmac).collect();
    sign(&keys, id, timestamp_secs, body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SecretId;
    use crate::secret::Ed25519Public;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SECONDS: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const HMAC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const HMAC_SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const ED25519: &str =
        "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    const ED25519_SIGNATURE: &str =
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";

    fn secret(text: &str, expires_at: Option<i64>) -> LiveSecret {
        let lasting = LiveSecret::lasting(SecretId::from_i64(1).unwrap(), SigningKey::parse(text).unwrap(), 0);
        LiveSecret { expires_at, ..lasting }
    }

    #[test]
    fn both_kinds_give_the_published_signatures() {
        let both = [secret(HMAC, None), secret(ED25519, None)];
        let value = Signer::new(&both).sign(ID, SECONDS * 1000 + 999, BODY);
        assert_eq!(value, format!("{HMAC_SIGNATURE} {ED25519_SIGNATURE}"));
        let keys = both.map(|secret| secret.key);
        assert_eq!(sign(&keys, ID, SECONDS, BODY), value);
    }

    #[test]
    fn what_has_expired_signs_nothing_and_the_newest_never_does() {
        let now = SECONDS * 1000;
        for (ends, expected) in [
            ([None, Some(now + 1)], format!("{HMAC_SIGNATURE} {ED25519_SIGNATURE}")),
            ([None, Some(now)], HMAC_SIGNATURE.to_owned()),
            ([Some(now - 1), Some(now - 1)], HMAC_SIGNATURE.to_owned()),
        ] {
            let signer = Signer::new(&[secret(HMAC, ends[0]), secret(ED25519, ends[1])]);
            assert_eq!(signer.sign(ID, now, BODY), expected, "{ends:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_signed_as_they_are() {
        let body = [0xff, 0, b'.', 0xfe];
        let value = Signer::new(&[secret(ED25519, None)]).sign("evt_1", 5_000, &body);
        let signature = STANDARD.decode(value.strip_prefix("v1a,").unwrap()).unwrap();
        let public = Ed25519Public::parse("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=").unwrap();
        assert!(public.verifies(&[b"evt_1.5.", &body[..]].concat(), &signature));
    }
}
