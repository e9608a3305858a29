//! Where a source may ask, with what, and how hard.

use crate::egress::URL_MAX;
use serde::{Deserialize, Serialize};
use url::Url;

/// Requests a second, where nothing is said.
pub const RATE_DEFAULT: u32 = 5;
/// The most requests a second.
pub const RATE_MAX: u32 = 1_000;
/// How long one request may take, in milliseconds, where nothing is said.
pub const TIMEOUT_MS_DEFAULT: u32 = 10_000;
/// The longest that one request may take, in milliseconds.
pub const TIMEOUT_MS_MAX: u32 = 60_000;
/// Tries of one request, the first included, where nothing is said.
pub const ATTEMPTS_DEFAULT: u32 = 5;
/// The most tries of one request.
pub const ATTEMPTS_MAX: u32 = 10;
/// How long a message waits for a partner that does not answer, in seconds from when it came, where nothing is said: a day.
pub const GIVE_UP_SECONDS_DEFAULT: u32 = 86_400;
/// The longest that a message waits for a partner, in seconds: a week.
pub const GIVE_UP_SECONDS_MAX: u32 = 604_800;
/// The most addresses on a source's list.
pub const ALLOW_MAX: usize = 32;

/// Where a source may ask, with what, and how hard. `S` is what a secret is: the gateway's own kind in memory, text where it is sealed, nothing where it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchPolicy<S> {
    /// What the plugin's relative addresses are under, such as `https://api.partner.example/fhir/r4/`.
    pub base_url: String,
    /// What may be asked besides what is under the base address: addresses, each with everything under its path.
    #[serde(default)]
    pub allow: Vec<String>,
    /// What is shown to the partner.
    pub credentials: Credentials<S>,
    /// Requests a second to this partner, those for tokens apart.
    pub rate_per_second: u32,
    /// How long one request may take, in milliseconds.
    pub timeout_ms: u32,
    /// Tries of one request in a row, the first included. If none is answered, the message waits and is taken up again later.
    pub attempts_max: u32,
    /// How long a message waits for a partner that does not answer, in seconds from when it came; 0 for no longer than the tries in a row. After that its plugin is told.
    #[serde(default = "give_up_seconds")]
    pub give_up_seconds: u32,
}

/// For policies that were stored before there was a choice.
const fn give_up_seconds() -> u32 {
    GIVE_UP_SECONDS_DEFAULT
}

/// What is shown to the partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Credentials<S> {
    /// Nothing.
    None {},
    /// `Authorization: Bearer …`, a token that lasts.
    Bearer {
        /// The token.
        token: S,
    },
    /// A header of the partner's own.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: S,
    },
    /// HTTP Basic (RFC 7617).
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: S,
    },
    /// OAuth 2.0 client credentials (RFC 6749 §4.4). Tokens are kept until shortly before they end.
    #[serde(rename = "oauth2_client_credentials")]
    ClientCredentials {
        /// Where tokens are had.
        token_url: String,
        /// The client.
        client_id: String,
        /// Its secret.
        client_secret: S,
        /// What is asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<String>,
        /// How the client shows its secret.
        #[serde(default)]
        client_authentication: ClientAuthentication,
    },
    /// OAuth 2.0 client credentials with a signed assertion (RFC 7523), as SMART Backend Services asks.
    PrivateKeyJwt {
        /// Where tokens are had; the assertion's audience, too.
        token_url: String,
        /// The client.
        client_id: String,
        /// The private key: PEM of PKCS #8, RSA of 2,048 bits at least or EC P-384.
        private_key: S,
        /// The key's id at the partner.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key_id: Option<String>,
        /// How assertions are signed.
        algorithm: JwtAlgorithm,
        /// What is asked for, such as `system/Encounter.rs`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<String>,
    },
}

/// How a client shows its secret (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// In the header `Authorization`, by HTTP Basic.
    #[default]
    Basic,
    /// Among the fields of the body.
    Body,
}

/// How assertions are signed (RFC 7518 §3.1). SMART Backend Services asks servers to take both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JwtAlgorithm {
    /// RSA PKCS #1 v1.5 with SHA-384.
    #[serde(rename = "RS384")]
    Rs384,
    /// ECDSA on P-384 with SHA-384.
    #[serde(rename = "ES384")]
    Es384,
}

impl JwtAlgorithm {
    /// The word in an assertion's head.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs384 => "RS384",
            Self::Es384 => "ES384",
        }
    }
}

/// What is wrong with a policy: the member, as a JSON pointer below it, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {why}")]
pub struct BadPolicy {
    /// The member.
    pub pointer: String,
    /// Why it cannot be.
    pub why: &'static str,
}

impl<S> FetchPolicy<S> {
    /// Checks what the types cannot say. Whether an address may be connected to at all is judged by the egress rules, elsewhere.
    pub fn check(&self) -> Result<(), BadPolicy> {
        check_address("/base_url", &self.base_url)?;
        if self.allow.len() > ALLOW_MAX {
            return Err(bad("/allow", "must be at most 32 addresses"));
        }
        for (at, address) in self.allow.iter().enumerate() {
            check_address(&format!("/allow/{at}"), address)?;
        }
        for (pointer, value, max) in [
            ("/rate_per_second", self.rate_per_second, RATE_MAX),
            ("/timeout_ms", self.timeout_ms, TIMEOUT_MS_MAX),
            ("/attempts_max", self.attempts_max, ATTEMPTS_MAX),
        ] {
            if !(1..=max).contains(&value) {
                return Err(bad(pointer, "is out of range"));
            }
        }
        if self.give_up_seconds > GIVE_UP_SECONDS_MAX {
            return Err(bad("/give_up_seconds", "must be at most a week, 604800"));
        }
        match self.credentials.token_url() {
            Some(token_url) => check_address("/credentials/token_url", token_url),
            None => Ok(()),
        }
    }

    /// Whether secrets kept for `other` may go on being used here: only where they would be shown to the same places. Otherwise whoever may edit a source, but not
    /// read its secrets, could have them sent to himself.
    pub fn asks_where(&self, other: &Self) -> bool {
        let places = |policy: &Self| (policy.base_url.clone(), policy.allow.clone());
        places(self) == places(other) && self.credentials.token_url() == other.credentials.token_url()
    }

    /// The same with another secret; `None` if `turn` makes none of it.
    pub fn try_map<T>(&self, turn: impl FnOnce(&S) -> Option<T>) -> Option<FetchPolicy<T>> {
        let secret = match self.credentials.secret() {
            None => None,
            Some((_, secret)) => Some(turn(secret)?),
        };
        Some(self.with(self.credentials.with(secret)?))
    }

    fn with<T>(&self, credentials: Credentials<T>) -> FetchPolicy<T> {
        FetchPolicy {
            base_url: self.base_url.clone(),
            allow: self.allow.clone(),
            credentials,
            rate_per_second: self.rate_per_second,
            timeout_ms: self.timeout_ms,
            attempts_max: self.attempts_max,
            give_up_seconds: self.give_up_seconds,
        }
    }
}

impl<S> Credentials<S> {
    /// Where tokens are had, if any are.
    pub fn token_url(&self) -> Option<&str> {
        match self {
            Self::ClientCredentials { token_url, .. } | Self::PrivateKeyJwt { token_url, .. } => Some(token_url),
            Self::None {} | Self::Bearer { .. } | Self::Header { .. } | Self::Basic { .. } => None,
        }
    }

    /// The member that holds the secret, and the secret.
    pub fn secret(&self) -> Option<(&'static str, &S)> {
        match self {
            Self::None {} => None,
            Self::Bearer { token } => Some(("token", token)),
            Self::Header { value, .. } => Some(("value", value)),
            Self::Basic { password, .. } => Some(("password", password)),
            Self::ClientCredentials { client_secret, .. } => Some(("client_secret", client_secret)),
            Self::PrivateKeyJwt { private_key, .. } => Some(("private_key", private_key)),
        }
    }

    /// The same, of the same kind, with another secret; `None` if it needs one and gets none.
    pub fn with<T>(&self, secret: Option<T>) -> Option<Credentials<T>> {
        Some(match self {
            Self::None {} => Credentials::None {},
            Self::Bearer { .. } => Credentials::Bearer { token: secret? },
            Self::Header { name, .. } => Credentials::Header { name: name.clone(), value: secret? },
            Self::Basic { username, .. } => Credentials::Basic { username: username.clone(), password: secret? },
            Self::ClientCredentials { token_url, client_id, scope, client_authentication, .. } => {
                Credentials::ClientCredentials {
                    token_url: token_url.clone(),
                    client_id: client_id.clone(),
                    client_secret: secret?,
                    scope: scope.clone(),
                    client_authentication: *client_authentication,
                }
            }
            Self::PrivateKeyJwt { token_url, client_id, key_id, algorithm, scope, .. } => Credentials::PrivateKeyJwt {
                token_url: token_url.clone(),
                client_id: client_id.clone(),
                private_key: secret?,
                key_id: key_id.clone(),
                algorithm: *algorithm,
                scope: scope.clone(),
            },
        })
    }
}

fn check_address(pointer: &str, text: &str) -> Result<(), BadPolicy> {
    let why = match Url::parse(text) {
        _ if text.len() > URL_MAX => "is longer than any address may be",
        Err(_) => "must be an address such as https://api.partner.example/fhir/",
        Ok(url) if !matches!(url.scheme(), "https" | "http") => "must begin with https://",
        Ok(url) if !url.username().is_empty() || url.password().is_some() => "must hold no user name or password",
        Ok(url) if url.query().is_some() || url.fragment().is_some() => "must hold no query and no fragment",
        Ok(_) => return Ok(()),
    };
    Err(bad(pointer, why))
}

fn bad(pointer: &str, why: &'static str) -> BadPolicy {
    BadPolicy { pointer: pointer.to_owned(), why }
}
