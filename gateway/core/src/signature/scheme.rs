//! How a partner signs, as data.

use serde::{Deserialize, Serialize};

use super::HmacScheme;
use super::hmac_scheme::TOLERANCE_MAX_SECONDS;
use crate::secret::{BadSecret, RawSecret, SigningSecret};

pub(super) const TOLERANCE_SECONDS: u32 = 300;

/// How a partner's requests are verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Scheme {
    /// Standard Webhooks 1.0.0, symmetric. The older header names `svix-id`, `svix-timestamp`, `svix-signature` are understood too.
    StandardWebhooks {
        /// How far the signed time may be from now, in seconds, on either side.
        #[serde(default = "tolerance_seconds")]
        tolerance_seconds: u32,
    },
    /// One HMAC over parts of the request, in one header.
    Hmac(HmacScheme),
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
            Self::None {} => "none",
        }
    }

    /// Whether requests are verified with secrets.
    pub const fn needs_secret(&self) -> bool {
        !matches!(self, Self::None {})
    }

    /// Checks what the types cannot say. A [`Verifier`](super::Verifier) refuses a scheme that fails this.
    pub fn check(&self) -> Result<(), BadScheme> {
        match self {
            Self::StandardWebhooks { tolerance_seconds: 1..=TOLERANCE_MAX_SECONDS } | Self::None {} => Ok(()),
            Self::StandardWebhooks { .. } => {
                Err(BadScheme { field: "tolerance_seconds", why: "must be from 1 to 86400" })
            }
            Self::Hmac(scheme) => scheme.check(),
        }
    }

    /// Checks that a secret is one this scheme can use, before it is stored.
    pub fn check_secret(&self, secret: &RawSecret) -> Result<(), BadSecret> {
        match self {
            Self::StandardWebhooks { .. } => SigningSecret::parse(secret.reveal()).map(|_| ()),
            Self::Hmac(_) | Self::None {} => Ok(()),
        }
    }
}

const fn tolerance_seconds() -> u32 {
    TOLERANCE_SECONDS
}
