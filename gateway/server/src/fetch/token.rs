//! Access tokens: had where a source says, kept until shortly before they end.

use super::assertion::{self, Claims};
use super::exchange::{Asked, Exchanges, NoAnswer};
use crate::chance;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hookwright_core::fetch::{ClientAuthentication, Credentials, FetchPolicy};
use hookwright_core::id::SourceId;
use hookwright_core::secret::CredentialText;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;
use url::form_urlencoded::{self, Serializer};

/// How long a token is used whose end is not told, in seconds: what SMART Backend Services recommends as the longest.
const SECONDS_DEFAULT: i64 = 300;
/// The longest that a token is used, in seconds, whatever it promises.
const SECONDS_MAX: i64 = 86_400;
/// Before its end, so that no request is under way with a token that has ended, in seconds.
const MARGIN_SECONDS: i64 = 30;
/// The longest token, in bytes.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// A token, and until when it is used.
#[derive(Clone)]
struct Token {
    header: HeaderValue,
    until_ms: i64,
}

/// The tokens of all sources. One request for a source's token is under way at a time; those that need it meanwhile wait for it.
#[derive(Default)]
pub(super) struct Tokens {
    of_sources: Mutex<HashMap<SourceId, Arc<tokio::sync::Mutex<Kept>>>>,
}

/// A source's token, and the version of the source that it was had for.
#[derive(Default)]
struct Kept {
    version: i64,
    token: Option<Token>,
}

/// For whom a token is, and when.
pub(super) struct For<'a> {
    pub(super) source: SourceId,
    /// The source's version: its credentials may change.
    pub(super) version: i64,
    pub(super) policy: &'a FetchPolicy<CredentialText>,
    pub(super) now_ms: i64,
}

impl Tokens {
    /// The value of `Authorization` for a source; `None` where it has no token.
    pub(super) async fn get(&self, exchanges: &Exchanges, of: &For<'_>) -> Result<Option<HeaderValue>, NoAnswer> {
        if of.policy.credentials.token_url().is_none() {
            return Ok(None);
        }
        let slot = self.slot(of.source);
        let mut kept = slot.lock().await;
        if kept.version != of.version {
            *kept = Kept { version: of.version, token: None };
        }
        if let Some(token) = kept.token.as_ref().filter(|token| of.now_ms < token.until_ms) {
            return Ok(Some(token.header.clone()));
        }
        let token = request(exchanges, of).await?;
        let header = token.header.clone();
        kept.token = Some(token);
        Ok(Some(header))
    }

    /// Forgets a token that the partner no longer takes, unless another has taken its place.
    pub(super) async fn refuse(&self, source: SourceId, header: &HeaderValue) {
        let slot = self.slot(source);
        let mut kept = slot.lock().await;
        if kept.token.as_ref().is_some_and(|token| token.header == *header) {
            kept.token = None;
        }
    }

    fn slot(&self, source: SourceId) -> Arc<tokio::sync::Mutex<Kept>> {
        let mut all = self.of_sources.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(source).or_default())
    }
}

async fn request(exchanges: &Exchanges, of: &For<'_>) -> Result<Token, NoAnswer> {
    let (url, body, authorization) = form(of).map_err(|()| NoAnswer::lasting("credentials"))?;
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    if let Some(authorization) = authorization {
        headers.insert(AUTHORIZATION, authorization);
    }
    let timeout = Duration::from_millis(u64::from(of.policy.timeout_ms));
    let answered = exchanges.make(Asked { method: Method::POST, url: &url, headers, body, timeout }).await?;
    match answered.status {
        200 | 201 => read(&answered.body, of.now_ms).ok_or(NoAnswer::lasting("token")),
        408 | 425 | 429 | 500..=599 => Err(NoAnswer { code: "token", may_pass: true }),
        // `invalid_client`, `invalid_scope` and the like (RFC 6749 §5.2): no other try helps until somebody mends the credentials.
        _ => Err(NoAnswer::lasting("credentials")),
    }
}

/// Where a token is had, and with which body and header.
fn form(of: &For<'_>) -> Result<(Url, Bytes, Option<HeaderValue>), ()> {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    let (token_url, scope, authorization) = match &of.policy.credentials {
        Credentials::ClientCredentials { token_url, client_id, client_secret, scope, client_authentication } => {
            let header = match client_authentication {
                ClientAuthentication::Body => {
                    form.append_pair("client_id", client_id).append_pair("client_secret", client_secret.reveal());
                    None
                }
                // RFC 6749 §2.3.1: each is form-encoded before it is joined.
                ClientAuthentication::Basic => Some(basic(&encoded(client_id), &encoded(client_secret.reveal()))?),
            };
            (token_url, scope, header)
        }
        Credentials::PrivateKeyJwt { token_url, client_id, private_key, key_id, algorithm, scope } => {
            let id = hex::encode(chance::bytes::<16>());
            let now_secs = of.now_ms.div_euclid(1000);
            let claims = Claims { client_id, token_url, key_id: key_id.as_deref(), id: &id, now_secs };
            let assertion = assertion::sign(private_key, *algorithm, &claims).map_err(drop)?;
            form.append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                .append_pair("client_assertion", &assertion);
            (token_url, scope, None)
        }
        Credentials::None {} | Credentials::Bearer { .. } | Credentials::Header { .. } | Credentials::Basic { .. } => {
            return Err(());
        }
    };
    if let Some(scope) = scope {
        form.append_pair("scope", scope);
    }
    Ok((Url::parse(token_url).map_err(drop)?, form.finish().into(), authorization))
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// `Basic …` of a user and a password (RFC 7617).
pub(super) fn basic(user: &str, password: &str) -> Result<HeaderValue, ()> {
    sensitive(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

/// A header's value that is shown nowhere.
pub(super) fn sensitive(text: &str) -> Result<HeaderValue, ()> {
    let mut value = HeaderValue::from_str(text).map_err(drop)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Reads an answer of RFC 6749 §5.1. Some servers write the number as text.
fn read(body: &[u8], now_ms: i64) -> Option<Token> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let token = answer.get("access_token")?.as_str()?;
    let kind = answer.get("token_type").and_then(Value::as_str).unwrap_or("Bearer");
    if token.is_empty() || token.len() > TOKEN_BYTES_MAX || !kind.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let seconds = match answer.get("expires_in") {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    let seconds = seconds.unwrap_or(SECONDS_DEFAULT).clamp(0, SECONDS_MAX);
    let used = (seconds - MARGIN_SECONDS).max(seconds / 2);
    let header = sensitive(&format!("Bearer {token}")).ok()?;
    Some(Token { header, until_ms: now_ms.saturating_add(used * 1000) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(body: &str) -> Option<i64> {
        read(body.as_bytes(), 0).map(|token| token.until_ms)
    }

    #[test]
    fn a_token_is_used_until_shortly_before_its_end() {
        assert_eq!(until(r#"{"access_token":"t","token_type":"bearer","expires_in":300}"#), Some(270_000));
        assert_eq!(until(r#"{"access_token":"t","token_type":"Bearer","expires_in":"3600"}"#), Some(3_570_000));
        assert_eq!(until(r#"{"access_token":"t"}"#), Some(270_000));
        assert_eq!(until(r#"{"access_token":"t","expires_in":20}"#), Some(10_000), "half of a short one");
        assert_eq!(until(r#"{"access_token":"t","expires_in":-5}"#), Some(0));
        assert_eq!(until(r#"{"access_token":"t","expires_in":9999999999}"#), Some(86_370_000));
    }

    #[test]
    fn what_is_no_token_is_none() {
        for body in [
            "",
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":7}"#,
            r#"{"access_token":"a\nb"}"#,
            r#"{"access_token":"t","token_type":"mac"}"#,
        ] {
            assert_eq!(until(body), None, "{body}");
        }
        let long = format!(r#"{{"access_token":"{}"}}"#, "x".repeat(TOKEN_BYTES_MAX + 1));
        assert_eq!(until(&long), None);
    }
}
