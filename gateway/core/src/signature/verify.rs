//! The engine that verifies a request under a scheme and the live secrets of its source.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::credential::Credential;
use super::headers::single;
use super::key::{Placed, hmac_keys, placed, public_keys};
use super::mac::Keyed;
use super::standard::ED25519_BYTES;
use super::{
    BadScheme, Digest, Flaw, Part, Request, Scheme, SignatureScheme, VerifyError, format, request, standard, url,
    window,
};
use crate::secret::{Ed25519Public, RawSecret, SigningSecret, constant_time_eq};

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
    prepared: Prepared,
}

/// The keys of a scheme, each with its secret's place in the source's list.
#[derive(Clone)]
enum Prepared {
    Standard { v1: Vec<Placed<Keyed>>, v1a: Vec<Placed<Ed25519Public>> },
    Hmac { parts: Vec<Part>, keys: Vec<Placed<Keyed>> },
    Ed25519 { parts: Vec<Part>, keys: Vec<Placed<Ed25519Public>> },
    Credential(Vec<Placed<Zeroizing<Vec<u8>>>>),
    Strongest(Vec<Verifier<'static>>),
    Nothing,
}

impl Prepared {
    fn new(scheme: &Scheme, secrets: &[RawSecret]) -> Result<Self, BadScheme> {
        Ok(match scheme {
            Scheme::StandardWebhooks { .. } => {
                let symmetric = |secret: &RawSecret| {
                    let secret = SigningSecret::parse(secret.reveal()).ok()?;
                    Some(Keyed::new(Digest::Sha256, secret.key()))
                };
                let public = |secret: &RawSecret| Ed25519Public::parse(secret.reveal()).ok();
                Self::Standard { v1: placed(secrets, symmetric), v1a: placed(secrets, public) }
            }
            Scheme::Hmac(scheme) => Self::Hmac { parts: scheme.parts(), keys: hmac_keys(scheme, secrets) },
            Scheme::Ed25519(scheme) => Self::Ed25519 { parts: scheme.parts(), keys: public_keys(secrets) },
            Scheme::Token(_) | Scheme::Basic {} | Scheme::Bearer {} | Scheme::ClientCertificate {} => {
                let credential = scheme.credential();
                Self::Credential(placed(secrets, |secret| credential.and_then(|own| own.expected(secret).ok())))
            }
            Scheme::Strongest { schemes } => {
                let members = schemes.iter().map(|scheme| Verifier::owned(scheme.clone(), secrets));
                Self::Strongest(members.collect::<Result<_, _>>()?)
            }
            Scheme::None {} => Self::Nothing,
        })
    }

    /// How many keys there are.
    fn count(&self) -> usize {
        match self {
            Self::Standard { v1, v1a } => v1.len() + v1a.len(),
            Self::Hmac { keys, .. } => keys.len(),
            Self::Ed25519 { keys, .. } => keys.len(),
            Self::Credential(expected) => expected.len(),
            Self::Strongest(members) => members.iter().map(|member| member.prepared.count()).sum(),
            Self::Nothing => 0,
        }
    }
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
        let prepared = Prepared::new(&scheme, secrets)?;
        Ok(Self { scheme, prepared })
    }

    /// Whether a request holds anything that this would verify, whole or broken.
    pub fn is_offered(&self, request: &Request<'_>) -> bool {
        match &*self.scheme {
            Scheme::Strongest { schemes } => schemes.iter().any(|scheme| is_offered(scheme, request)),
            scheme => is_offered(scheme, request),
        }
    }

    /// Verifies one request.
    pub fn verify(&self, request: &Request<'_>) -> Result<Verified, VerifyError> {
        if self.scheme.needs_secret() && self.prepared.count() == 0 {
            return Err(VerifyError::NoSecret);
        }
        match (&*self.scheme, &self.prepared) {
            (Scheme::StandardWebhooks { tolerance_seconds }, Prepared::Standard { v1, v1a }) => {
                verify_standard(*tolerance_seconds, v1, v1a, request)
            }
            (Scheme::Hmac(scheme), Prepared::Hmac { parts, keys }) => verify_hmac(scheme, parts, keys, request),
            (Scheme::Ed25519(scheme), Prepared::Ed25519 { parts, keys }) => {
                verify_ed25519(scheme, parts, keys, request)
            }
            (Scheme::Strongest { schemes }, Prepared::Strongest(members)) => {
                let offered = schemes.iter().position(|scheme| is_offered(scheme, request));
                // Where nothing is offered, the strongest says what is missing.
                members.get(offered.unwrap_or(0)).map_or(Err(VerifyError::NoSecret), |member| member.verify(request))
            }
            (scheme, Prepared::Credential(expected)) => {
                let credential = scheme.credential().ok_or(VerifyError::NoSecret)?;
                verify_credential(credential, expected, request)
            }
            _ => Ok(Verified { tier: Tier::Unauthenticated, matched_secret: None, signed_at_ms: None, id: None }),
        }
    }
}

impl std::fmt::Debug for Verifier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verifier({}, {} secrets)", self.scheme.kind(), self.prepared.count())
    }
}

/// Verifies one request with a scheme and secrets that are used once. See [`Verifier::verify`].
pub fn verify(scheme: &Scheme, secrets: &[RawSecret], request: &Request<'_>) -> Result<Verified, VerifyError> {
    Verifier::new(scheme, secrets)?.verify(request)
}

/// Whether a request holds anything of a scheme, whole or broken.
fn is_offered(scheme: &Scheme, request: &Request<'_>) -> bool {
    match scheme {
        Scheme::StandardWebhooks { .. } => standard::is_offered(request.headers),
        Scheme::Hmac(scheme) | Scheme::Ed25519(scheme) => request::is_offered(request, &scheme.place()),
        other => other.credential().is_some_and(|credential| credential.is_offered(request)),
    }
}

fn verify_standard(
    tolerance_seconds: u32,
    v1: &[Placed<Keyed>],
    v1a: &[Placed<Ed25519Public>],
    request: &Request<'_>,
) -> Result<Verified, VerifyError> {
    let names = standard::names(request.headers);
    let id = standard::id(request.headers, names.id)?;
    let timestamp = single(request.headers, names.timestamp)?;
    let signed_at_ms = window::read(timestamp, super::TimestampUnit::Seconds)
        .map_err(|flaw| super::headers::malformed(names.timestamp, flaw))?;
    let signatures = standard::signatures(request.headers, names.signature, !v1a.is_empty())?;
    // Where we hold a public key and there is an asymmetric signature, that one decides: an HMAC never rescues it.
    let asymmetric = signatures.offers_v1a || v1.is_empty();
    let whole = signatures.whole(if asymmetric { &signatures.v1a } else { &signatures.v1 }, names.signature)?;
    window::check(signed_at_ms, request.now_secs, tolerance_seconds)?;
    let content = [id.as_bytes(), b".", timestamp, b".", request.body];
    let matched = if asymmetric {
        find_public(v1a, &content.concat(), whole)?
    } else {
        find(v1, &[&content[..]], Digest::Sha256, whole)?
    };
    Ok(verified(Tier::Verified, matched, Some(signed_at_ms), Some(id)))
}

fn verify_hmac(
    scheme: &SignatureScheme,
    parts: &[Part],
    keys: &[Placed<Keyed>],
    request: &Request<'_>,
) -> Result<Verified, VerifyError> {
    let found = format::find(scheme, request, None)?;
    let head = Head::read(scheme, request, found.timestamp.as_deref())?;
    let urls = Urls::of(scheme, parts, request);
    let contents = urls.contents(parts, request, head.timestamp)?;
    let contents: Vec<_> = contents.iter().map(Vec::as_slice).collect();
    let matched = find(keys, &contents, found.digest, &found.signatures)?;
    Ok(verified(scheme.tier(), matched, head.signed_at_ms, head.id))
}

fn verify_ed25519(
    scheme: &SignatureScheme,
    parts: &[Part],
    keys: &[Placed<Ed25519Public>],
    request: &Request<'_>,
) -> Result<Verified, VerifyError> {
    let found = format::find(scheme, request, Some(ED25519_BYTES))?;
    let head = Head::read(scheme, request, found.timestamp.as_deref())?;
    let urls = Urls::of(scheme, parts, request);
    for content in urls.contents(parts, request, head.timestamp)? {
        if let Ok(matched) = find_public(keys, &content.concat(), &found.signatures) {
            return Ok(verified(scheme.tier(), matched, head.signed_at_ms, head.id));
        }
    }
    Err(VerifyError::SignatureMismatch)
}

fn verify_credential(
    credential: Credential<'_>,
    expected: &[Placed<Zeroizing<Vec<u8>>>],
    request: &Request<'_>,
) -> Result<Verified, VerifyError> {
    let matched = credential.find(expected, request)?;
    let id = match credential {
        Credential::Token(scheme) => {
            standard::named_id(request.headers, scheme.id_header.as_deref(), scheme.id_optional)?
        }
        Credential::Basic | Credential::Bearer | Credential::Certificate => None,
    };
    Ok(verified(Tier::Authenticated, matched, None, id))
}

/// What is checked before a signature is: the id, the time, and the body's own digest.
struct Head<'a> {
    timestamp: Option<&'a [u8]>,
    signed_at_ms: Option<i64>,
    id: Option<&'a str>,
}

impl<'a> Head<'a> {
    /// `beside` is the time that stands beside the signature.
    fn read(scheme: &SignatureScheme, request: &Request<'a>, beside: Option<&'a [u8]>) -> Result<Self, VerifyError> {
        let id = standard::named_id(request.headers, scheme.id_header.as_deref(), scheme.id_optional)?;
        let sent = scheme.timestamp_header.as_ref().map(|name| single(request.headers, name)).transpose()?;
        let timestamp = sent.or(beside);
        let malformed = |flaw| match &scheme.timestamp_header {
            Some(name) => super::headers::malformed(name, flaw),
            None => VerifyError::at(&scheme.place(), flaw),
        };
        let signed_at_ms =
            timestamp.map(|text| window::read(text, scheme.timestamp_unit)).transpose().map_err(malformed)?;
        if let (Some(signed_at_ms), Some(tolerance_seconds)) = (signed_at_ms, scheme.tolerance_seconds) {
            window::check(signed_at_ms, request.now_secs, tolerance_seconds)?;
        }
        scheme.check_body_digest(request)?;
        Ok(Self { timestamp, signed_at_ms, id })
    }
}

impl SignatureScheme {
    pub(super) const fn tier(&self) -> Tier {
        if self.body_unsigned { Tier::Authenticated } else { Tier::Verified }
    }

    /// Compares the digest that a request brings with its body. Where there is no body, or its form fields are signed one by one, there need
    /// not be one. A body that is no form and has no digest must not pass where nothing but form fields is signed.
    fn check_body_digest(&self, request: &Request<'_>) -> Result<(), VerifyError> {
        let signs = |wanted: fn(&Part) -> bool| self.signed_content.iter().flatten().any(wanted);
        let signs_form = signs(|part| *part == Part::SortedForm);
        if signs_form && (request.body.is_empty() || request.is_form()) {
            return Ok(());
        }
        match &self.body_digest {
            Some(digest) => digest.verify(request),
            None if signs_form
                && !self.body_unsigned
                && !signs(|part| part.covers_body() && *part != Part::SortedForm) =>
            {
                Err(VerifyError::at_body(Flaw::NoForm))
            }
            None => Ok(()),
        }
    }
}

/// The spellings of the request's URL that may have been signed.
pub(super) struct Urls(Vec<String>);

impl Urls {
    pub(super) fn of(scheme: &SignatureScheme, parts: &[Part], request: &Request<'_>) -> Self {
        if !parts.iter().any(Part::needs_public_url) {
            return Self(Vec::new());
        }
        let mut urls: Vec<_> = url::of(request).into_iter().collect();
        if scheme.either_port {
            urls.extend(urls.first().and_then(|url| url::other_port(url)));
        }
        Self(urls)
    }

    /// What is signed, in every spelling.
    pub(super) fn contents<'c>(
        &'c self,
        parts: &'c [Part],
        request: &Request<'c>,
        timestamp: Option<&'c [u8]>,
    ) -> Result<Vec<Vec<Cow<'c, [u8]>>>, VerifyError> {
        let content = |url: Option<&'c str>| parts.iter().map(|part| part.bytes(request, timestamp, url)).collect();
        if self.0.is_empty() {
            return Ok(vec![content(None)?]);
        }
        self.0.iter().map(|url| content(Some(url.as_str()))).collect()
    }
}

/// Which secret made any of the signatures over any of the contents. Each comparison takes the same time wherever the difference is.
fn find<P: AsRef<[u8]>>(
    keys: &[Placed<Keyed>],
    contents: &[&[P]],
    digest: Digest,
    signatures: &[Vec<u8>],
) -> Result<usize, VerifyError> {
    let fits = |keyed: &Keyed| {
        contents.iter().any(|content| {
            let expected = keyed.of(content);
            signatures.iter().fold(false, |fits, signature| fits | constant_time_eq(&expected, signature))
        })
    };
    keys.iter()
        .filter(|placed| placed.key.digest() == digest)
        .find(|placed| fits(&placed.key))
        .map(|placed| placed.at)
        .ok_or(VerifyError::SignatureMismatch)
}

/// The same with public keys.
fn find_public(keys: &[Placed<Ed25519Public>], content: &[u8], signatures: &[Vec<u8>]) -> Result<usize, VerifyError> {
    let fits = |key: &Ed25519Public| signatures.iter().any(|signature| key.verifies(content, signature));
    keys.iter().find(|placed| fits(&placed.key)).map(|placed| placed.at).ok_or(VerifyError::SignatureMismatch)
}

fn verified(tier: Tier, matched: usize, signed_at_ms: Option<i64>, id: Option<&str>) -> Verified {
    Verified { tier, matched_secret: Some(matched), signed_at_ms, id: id.map(str::to_owned) }
}
