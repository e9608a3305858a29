//! Credentials that come along with a request and prove nothing of its body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::headers::{malformed, single, trim};
use super::request::{Request, is_offered, text_at};
use super::signature_scheme::{check_name, is_false};
use super::{BadScheme, Flaw, Place, VerifyError};
use crate::secret::{BadSecret, RawSecret, constant_time_eq};

const AUTHORIZATION: &str = "authorization";

/// A token that is the secret itself, at one place of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenScheme {
    /// Where it stands.
    pub location: Place,
    /// What stands before it. It must be there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// The header that names the message, for de-duplication. If set, it must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_header: Option<String>,
    /// Whether that header may be missing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub id_optional: bool,
}

/// A kind of credential.
#[derive(Debug, Clone, Copy)]
pub(super) enum Credential<'a> {
    Token(&'a TokenScheme),
    Basic,
    Bearer,
    Certificate,
}

impl TokenScheme {
    pub(super) fn check(&self) -> Result<(), BadScheme> {
        if matches!(self.location, Place::NumberedHeaders(_)) {
            return Err(BadScheme { field: "location", why: "must be one place" });
        }
        if self.prefix.len() > 128 || !self.prefix.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return Err(BadScheme { field: "prefix", why: "must be at most 128 characters of visible ASCII" });
        }
        self.id_header.as_ref().map_or(Ok(()), |name| check_name("id_header", name))
    }
}

impl Credential<'_> {
    /// What a request shows, as it is compared: the token, `user:password`, or the digest of a certificate.
    fn shown(self, request: &Request<'_>) -> Result<Zeroizing<Vec<u8>>, VerifyError> {
        match self {
            Self::Token(scheme) => {
                let value = Zeroizing::new(text_at(request, &scheme.location)?.into_owned());
                let token = value.strip_prefix(scheme.prefix.as_bytes());
                let token = token.ok_or_else(|| VerifyError::at(&scheme.location, Flaw::Prefix))?;
                nonempty(token, &scheme.location)
            }
            Self::Basic => {
                let credentials = authorization(request, "basic")?;
                let decoded = STANDARD.decode(credentials).map_err(|_| malformed(AUTHORIZATION, Flaw::Base64))?;
                nonempty(&decoded, &Place::Header(AUTHORIZATION.to_owned()))
            }
            Self::Bearer => authorization(request, "bearer").map(|token| Zeroizing::new(token.to_vec())),
            Self::Certificate => {
                let certificate = request.peer_certificate.ok_or(VerifyError::NoCertificate)?;
                Ok(Zeroizing::new(Sha256::digest(certificate).to_vec()))
            }
        }
    }

    /// Whether a request shows anything of this kind.
    pub(super) fn is_offered(self, request: &Request<'_>) -> bool {
        match self {
            Self::Token(scheme) => is_offered(request, &scheme.location),
            Self::Basic => begins_with(request, "basic"),
            Self::Bearer => begins_with(request, "bearer"),
            Self::Certificate => request.peer_certificate.is_some(),
        }
    }

    /// A secret as it is compared.
    pub(super) fn expected(self, secret: &RawSecret) -> Result<Zeroizing<Vec<u8>>, BadSecret> {
        match self {
            Self::Token(_) | Self::Bearer => Ok(Zeroizing::new(secret.key().to_vec())),
            Self::Basic => match secret.reveal().split_once(':') {
                // A password may hold colons and may be empty; a user's name can neither.
                Some((user, _)) if !user.is_empty() => Ok(Zeroizing::new(secret.key().to_vec())),
                _ => Err(BadSecret::Basic),
            },
            Self::Certificate => {
                let text = secret.reveal();
                let digits = text.strip_prefix("sha256:").unwrap_or(text).replace(':', "");
                let digest = hex::decode(digits).map_err(|_| BadSecret::Fingerprint)?;
                if digest.len() == 32 { Ok(Zeroizing::new(digest)) } else { Err(BadSecret::Fingerprint) }
            }
        }
    }

    /// The place in its list of the one expected credential that a request shows. Each comparison takes the same time wherever the difference is.
    pub(super) fn find(
        self,
        expected: &[super::key::Placed<Zeroizing<Vec<u8>>>],
        request: &Request<'_>,
    ) -> Result<usize, VerifyError> {
        let shown = self.shown(request)?;
        let fits = expected.iter().find(|own| constant_time_eq(&own.key, &shown));
        fits.map(|own| own.at).ok_or(VerifyError::CredentialMismatch)
    }
}

fn nonempty(token: &[u8], place: &Place) -> Result<Zeroizing<Vec<u8>>, VerifyError> {
    if token.is_empty() { Err(VerifyError::at(place, Flaw::Empty)) } else { Ok(Zeroizing::new(token.to_vec())) }
}

/// Whether any `Authorization`, whole or broken, is of a scheme.
fn begins_with(request: &Request<'_>, word: &str) -> bool {
    let values = request.headers.values(AUTHORIZATION);
    let begins = |value: &&[u8]| {
        let own = trim(value).split(|b| matches!(b, b' ' | b'\t')).next().unwrap_or_default();
        own.eq_ignore_ascii_case(word.as_bytes())
    };
    values.iter().any(begins)
}

/// What stands behind a scheme's word in `Authorization` (RFC 9110 §11.4); the word is in any case.
fn authorization<'a>(request: &Request<'a>, word: &str) -> Result<&'a [u8], VerifyError> {
    let value = single(request.headers, AUTHORIZATION)?;
    let (own, rest) = value.split_at_checked(word.len()).ok_or_else(|| malformed(AUTHORIZATION, Flaw::Prefix))?;
    let credentials = rest.trim_ascii_start();
    if !own.eq_ignore_ascii_case(word.as_bytes()) || credentials.len() == rest.len() || credentials.is_empty() {
        return Err(malformed(AUTHORIZATION, Flaw::Prefix));
    }
    Ok(credentials)
}
