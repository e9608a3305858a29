//! The engine that verifies a request under a scheme and the live secrets of its source.

use std::borrow::Cow;

use super::encoding::{decode, encode};
use super::headers::{malformed, single};
use super::mac::Keyed;
use super::{BadScheme, Digest, Flaw, Headers, HmacScheme, Part, Scheme, VerifyError, standard, window};
use crate::secret::{RawSecret, SigningSecret, constant_time_eq};

/// How much is known of a request's sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Cryptography over the body: nobody without the secret could have sent these bytes.
    Verified,
    /// A credential that came along: whoever sent it knew it, and the body could be anybody's who saw it.
    Authenticated,
    /// Nothing is known.
    Unauthenticated,
}

impl Tier {
    /// The word used in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Authenticated => "authenticated",
            Self::Unauthenticated => "unauthenticated",
        }
    }
}

/// What verification found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How much is known of the sender.
    pub tier: Tier,
    /// Which of the source's secrets fitted, by its place in the list; none where the scheme uses none.
    pub matched_secret: Option<usize>,
    /// When the sender signed, in unix milliseconds, where it says so.
    pub signed_at_ms: Option<i64>,
    /// The sender's id of the message, the same in each of its retries, where it has one.
    pub id: Option<String>,
}

/// A scheme with its secrets prepared: worth keeping for as long as the source does not change.
#[derive(Clone)]
pub struct Verifier<'a> {
    scheme: Cow<'a, Scheme>,
    /// Each with its place in the source's list.
    keys: Vec<(usize, Keyed)>,
}

impl<'a> Verifier<'a> {
    /// Prepares a scheme and the live secrets. Secrets that the scheme cannot use (see [`Scheme::check_secret`]) are passed over.
    pub fn new(scheme: &'a Scheme, secrets: &[RawSecret]) -> Result<Self, BadScheme> {
        Self::prepare(Cow::Borrowed(scheme), secrets)
    }

    /// The same, for a verifier that outlives the source it was made from.
    pub fn owned(scheme: Scheme, secrets: &[RawSecret]) -> Result<Verifier<'static>, BadScheme> {
        Verifier::prepare(Cow::Owned(scheme), secrets)
    }

    fn prepare(scheme: Cow<'a, Scheme>, secrets: &[RawSecret]) -> Result<Self, BadScheme> {
        scheme.check()?;
        let keyed = |secret: &RawSecret| match &*scheme {
            Scheme::StandardWebhooks { .. } => {
                let secret = SigningSecret::parse(secret.reveal()).ok()?;
                Some(Keyed::new(Digest::Sha256, secret.key()))
            }
            Scheme::Hmac(hmac) => Some(Keyed::new(hmac.digest, secret.key())),
            Scheme::None {} => None,
        };
        let keys = secrets.iter().enumerate().filter_map(|(at, secret)| Some((at, keyed(secret)?))).collect();
        Ok(Self { scheme, keys })
    }

    /// Verifies one request: its headers, its body byte for byte, and the present time in unix seconds.
    pub fn verify(
        &self,
        headers: &(impl Headers + ?Sized),
        body: &[u8],
        now_secs: i64,
    ) -> Result<Verified, VerifyError> {
        if self.scheme.needs_secret() && self.keys.is_empty() {
            return Err(VerifyError::NoSecret);
        }
        match &*self.scheme {
            Scheme::StandardWebhooks { tolerance_seconds } => {
                self.verify_standard(*tolerance_seconds, headers, body, now_secs)
            }
            Scheme::Hmac(scheme) => self.verify_hmac(scheme, headers, body, now_secs),
            Scheme::None {} => {
                Ok(Verified { tier: Tier::Unauthenticated, matched_secret: None, signed_at_ms: None, id: None })
            }
        }
    }

    fn verify_standard(
        &self,
        tolerance_seconds: u32,
        headers: &(impl Headers + ?Sized),
        body: &[u8],
        now_secs: i64,
    ) -> Result<Verified, VerifyError> {
        let names = standard::names(headers);
        let id = standard::id(headers, names.id)?;
        let (timestamp, signed_at_ms) = window::read(headers, names.timestamp, super::TimestampUnit::Seconds)?;
        let signatures = standard::signatures(headers, names.signature)?;
        window::check(signed_at_ms, now_secs, tolerance_seconds)?;
        let matched = self.find(&[id.as_bytes(), b".", timestamp, b".", body], &signatures)?;
        Ok(verified(matched, Some(signed_at_ms), Some(id)))
    }

    fn verify_hmac(
        &self,
        scheme: &HmacScheme,
        headers: &(impl Headers + ?Sized),
        body: &[u8],
        now_secs: i64,
    ) -> Result<Verified, VerifyError> {
        let value = single(headers, &scheme.header)?;
        let Some(text) = value.strip_prefix(scheme.prefix.as_bytes()) else {
            return Err(malformed(&scheme.header, Flaw::Prefix));
        };
        let signature = decode(scheme.encoding, text, scheme.digest.length());
        let signature = signature.map_err(|flaw| malformed(&scheme.header, flaw))?;
        let id = scheme.id_header.as_ref().map(|name| standard::message_id(headers, name)).transpose()?;
        let time = scheme.timestamp_header.as_ref().map(|name| window::read(headers, name, scheme.timestamp_unit));
        let time = time.transpose()?;
        if let (Some((_, signed_at_ms)), Some(tolerance_seconds)) = (time, scheme.tolerance_seconds) {
            window::check(signed_at_ms, now_secs, tolerance_seconds)?;
        }
        let parts = scheme.parts();
        let content = content(&parts, headers, time.map(|(text, _)| text), body)?;
        let matched = self.find(&content, &[signature])?;
        Ok(verified(matched, time.map(|(_, unix_ms)| unix_ms), id))
    }

    /// Which secret made any of the signatures. Each comparison takes the same time wherever the difference is.
    fn find(&self, content: &[&[u8]], signatures: &[Vec<u8>]) -> Result<usize, VerifyError> {
        self.keys
            .iter()
            .find(|(_, keyed)| {
                let expected = keyed.of(content);
                signatures.iter().fold(false, |fits, signature| fits | constant_time_eq(&expected, signature))
            })
            .map(|(at, _)| *at)
            .ok_or(VerifyError::SignatureMismatch)
    }
}

impl std::fmt::Debug for Verifier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verifier({}, {} secrets)", self.scheme.kind(), self.keys.len())
    }
}

impl HmacScheme {
    /// The value of the signature header for a request with these headers: what a partner would send, for tests and for trying a
    /// source by hand. A header that the scheme signs must be among them.
    pub fn sign(
        &self,
        secret: &RawSecret,
        headers: &(impl Headers + ?Sized),
        body: &[u8],
    ) -> Result<String, VerifyError> {
        let timestamp = self.timestamp_header.as_ref().map(|name| single(headers, name)).transpose()?;
        let parts = self.parts();
        let code = Keyed::new(self.digest, secret.key()).of(&content(&parts, headers, timestamp, body)?);
        Ok(format!("{}{}", self.prefix, encode(self.encoding, &code)))
    }
}

/// Verifies one request with a scheme and secrets that are used once. See [`Verifier::verify`].
pub fn verify(
    scheme: &Scheme,
    secrets: &[RawSecret],
    headers: &(impl Headers + ?Sized),
    body: &[u8],
    now_secs: i64,
) -> Result<Verified, VerifyError> {
    Verifier::new(scheme, secrets)?.verify(headers, body, now_secs)
}

fn content<'a>(
    parts: &'a [Part],
    headers: &'a (impl Headers + ?Sized),
    timestamp: Option<&'a [u8]>,
    body: &'a [u8],
) -> Result<Vec<&'a [u8]>, VerifyError> {
    let bytes = |part: &'a Part| match part {
        Part::Body => Ok(body),
        // A scheme that signs a timestamp without naming its header does not pass its check.
        Part::Timestamp => Ok(timestamp.unwrap_or_default()),
        Part::Header(name) => single(headers, name),
        Part::Literal(text) => Ok(text.as_bytes()),
    };
    parts.iter().map(bytes).collect()
}

fn verified(matched: usize, signed_at_ms: Option<i64>, id: Option<&str>) -> Verified {
    Verified { tier: Tier::Verified, matched_secret: Some(matched), signed_at_ms, id: id.map(str::to_owned) }
}
