//! How a partner signs, as data.

use serde::{Deserialize, Serialize};

use super::credential::{Credential, TokenScheme};
use super::signature_scheme::TOLERANCE_MAX_SECONDS;
use super::{Headers, Place, SignatureScheme};
use crate::secret::{BadSecret, Ed25519Public, RawSecret, SigningSecret};

pub(super) const TOLERANCE_SECONDS: u32 = 300;
const MEMBERS_MAX: usize = 4;

/// How a partner's requests are verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Scheme {
    /// Standard Webhooks 1.0.0: `v1` with `whsec_…` secrets, `v1a` with `whpk_…` public keys, each where there is one. The older header names
    /// `svix-id`, `svix-timestamp`, `svix-signature` are understood too.
    StandardWebhooks {
        /// How far the signed time may be from now, in seconds, on either side.
        #[serde(default = "tolerance_seconds")]
        tolerance_seconds: u32,
    },
    /// One HMAC over parts of the request.
    Hmac(SignatureScheme),
    /// An Ed25519 signature over parts of the request; the secrets are public keys: `whpk_…`, base64 or hexadecimal digits.
    Ed25519(SignatureScheme),
    /// A static token: the secret itself.
    Token(TokenScheme),
    /// HTTP Basic (RFC 7617); the secrets are `user:password`.
    Basic {},
    /// HTTP Bearer (RFC 6750); the secrets are the tokens.
    Bearer {},
    /// The client's TLS certificate; the secrets are SHA-256 fingerprints of certificates, in hexadecimal digits.
    ClientCertificate {},
    /// Several schemes, the strongest first. The first that a request offers anything of decides; a weaker one never rescues what a stronger
    /// refused. Each uses those of the secrets that it can use.
    Strongest {
        /// Two to four schemes.
        schemes: Vec<Self>,
    },
    /// No verification at all: for networks where everybody who can connect is trusted.
    None {},
}

/// What is wrong with a scheme: the field, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct BadScheme {
    /// The field's name in the scheme.
    pub field: &'static str,
    /// Why it cannot be.
    pub why: &'static str,
}

impl Scheme {
    /// Standard Webhooks with its usual window of five minutes.
    pub const STANDARD: Self = Self::StandardWebhooks { tolerance_seconds: TOLERANCE_SECONDS };

    /// The name of the kind, as in its `type` field.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::StandardWebhooks { .. } => "standard_webhooks",
            Self::Hmac(_) => "hmac",
            Self::Ed25519(_) => "ed25519",
            Self::Token(_) => "token",
            Self::Basic {} => "basic",
            Self::Bearer {} => "bearer",
            Self::ClientCertificate {} => "client_certificate",
            Self::Strongest { .. } => "strongest",
            Self::None {} => "none",
        }
    }

    /// Whether requests are verified with secrets.
    pub const fn needs_secret(&self) -> bool {
        !matches!(self, Self::None {})
    }

    /// Whether the source must say where the partner posts to.
    pub fn needs_public_url(&self) -> bool {
        match self {
            Self::Hmac(scheme) | Self::Ed25519(scheme) => scheme.parts().iter().any(super::Part::needs_public_url),
            Self::Strongest { schemes } => schemes.iter().any(Self::needs_public_url),
            _ => false,
        }
    }

    /// Checks what the types cannot say. A [`Verifier`](super::Verifier) refuses a scheme that fails this.
    pub fn check(&self) -> Result<(), BadScheme> {
        match self {
            Self::StandardWebhooks { tolerance_seconds: 1..=TOLERANCE_MAX_SECONDS }
            | Self::Basic {}
            | Self::Bearer {}
            | Self::ClientCertificate {}
            | Self::None {} => Ok(()),
            Self::StandardWebhooks { .. } => {
                Err(BadScheme { field: "tolerance_seconds", why: "must be from 1 to 86400" })
            }
            Self::Hmac(scheme) => scheme.check(),
            Self::Ed25519(scheme) => scheme.check_ed25519(),
            Self::Token(scheme) => scheme.check(),
            Self::Strongest { schemes } => {
                let bad = |why| Err(BadScheme { field: "schemes", why });
                if !(2..=MEMBERS_MAX).contains(&schemes.len()) {
                    return bad("must be two to four schemes");
                }
                if schemes.iter().any(|scheme| matches!(scheme, Self::Strongest { .. } | Self::None {})) {
                    return bad("must not hold none or another strongest");
                }
                schemes.iter().try_for_each(Self::check)
            }
        }
    }

    /// Checks that a secret is one this scheme can use, before it is stored.
    pub fn check_secret(&self, secret: &RawSecret) -> Result<(), BadSecret> {
        match self {
            Self::StandardWebhooks { .. } if secret.reveal().starts_with("whpk_") => {
                Ed25519Public::parse(secret.reveal()).map(|_| ())
            }
            Self::StandardWebhooks { .. } => SigningSecret::parse(secret.reveal()).map(|_| ()),
            Self::Hmac(scheme) => scheme.key.derive(secret).map(|_| ()),
            Self::Ed25519(_) => Ed25519Public::read(secret.reveal()).map(|_| ()),
            Self::Token(_) | Self::Basic {} | Self::Bearer {} | Self::ClientCertificate {} => {
                self.credential().map_or(Ok(()), |credential| credential.expected(secret).map(|_| ()))
            }
            Self::Strongest { schemes } => {
                let mut verdict = Ok(());
                for scheme in schemes {
                    verdict = scheme.check_secret(secret);
                    if verdict.is_ok() {
                        break;
                    }
                }
                verdict
            }
            Self::None {} => Ok(()),
        }
    }

    /// Every place of a request that a signature or a credential may stand at, for whoever keeps requests and must not keep these.
    pub fn places(&self) -> Vec<Place> {
        let header = |name: &str| Place::Header(name.to_owned());
        match self {
            Self::StandardWebhooks { .. } => vec![header("webhook-signature"), header("svix-signature")],
            Self::Hmac(scheme) | Self::Ed25519(scheme) => vec![scheme.place().into_owned()],
            Self::Token(scheme) => vec![scheme.location.clone()],
            Self::Basic {} | Self::Bearer {} => vec![header("authorization")],
            Self::Strongest { schemes } => schemes.iter().flat_map(Self::places).collect(),
            Self::ClientCertificate {} | Self::None {} => Vec::new(),
        }
    }

    /// The id of a message in the headers that were kept of its request, as verification found it.
    pub fn transport_id<'a>(&self, headers: &'a dyn Headers) -> Option<&'a str> {
        let value = |name: &str| headers.values(name).into_iter().next().and_then(|value| str::from_utf8(value).ok());
        let found = match self {
            Self::StandardWebhooks { .. } => value("webhook-id").or_else(|| value("svix-id")),
            Self::Hmac(scheme) | Self::Ed25519(scheme) => scheme.id_header.as_deref().and_then(value),
            Self::Token(scheme) => scheme.id_header.as_deref().and_then(value),
            Self::Strongest { schemes } => schemes.iter().find_map(|scheme| scheme.transport_id(headers)),
            Self::Basic {} | Self::Bearer {} | Self::ClientCertificate {} | Self::None {} => None,
        };
        found.map(str::trim)
    }

    /// The credential it asks for, where it is one.
    pub(super) const fn credential(&self) -> Option<Credential<'_>> {
        match self {
            Self::Token(scheme) => Some(Credential::Token(scheme)),
            Self::Basic {} => Some(Credential::Basic),
            Self::Bearer {} => Some(Credential::Bearer),
            Self::ClientCertificate {} => Some(Credential::Certificate),
            _ => None,
        }
    }
}

const fn tolerance_seconds() -> u32 {
    TOLERANCE_SECONDS
}
