//! Asking a partner everything that one message needs: allowed or denied, at the source's rate, tried again where that may help.

use super::exchange::{Answered, Asked, Exchanges, NoAnswer, headers};
use super::gate::{Gate, Gates};
use super::token::{For, Tokens, basic, sensitive};
use bytes::Bytes;
use futures_util::future::join_all;
use hookwright_core::fetch::{Credentials, Fetch, FetchPolicy, PendingFetch, Verdict, judge, pause_ms, resolve};
use hookwright_core::retry::parse_retry_after;
use hookwright_core::secret::CredentialText;
use hookwright_core::source::Source;
use hookwright_plugin_host::inbound::{FetchAnswer, Fetched};
use hookwright_store::Clock;
use http::Method;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue, RETRY_AFTER};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Headers of an answer that hold what is between the partner and the gateway.
const SECRET_HEADERS: [&str; 3] = ["set-cookie", "www-authenticate", "proxy-authenticate"];

/// Who asks partners.
pub(super) struct Asker {
    pub(super) exchanges: Exchanges,
    pub(super) tokens: Tokens,
    pub(super) gates: Gates,
    pub(super) clock: Arc<dyn Clock>,
}

/// What came of one fetch, and a line about it for the message's sealed log.
pub(super) struct Told {
    pub(super) answer: FetchAnswer,
    /// The status that was answered, or why there was none.
    pub(super) came: String,
    /// Whether all tries failed in a way that may pass.
    pub(super) may_pass: bool,
    pub(super) line: String,
}

impl Told {
    /// Whether the partner gave what was wanted, or said that there is no such thing.
    pub(super) fn is_of_use(&self) -> bool {
        self.answer.answer.as_ref().is_ok_and(|fetched| matches!(fetched.status, 200..=299 | 404 | 410))
    }
}

impl Asker {
    /// Asks everything at the same time, and answers in the order of the fetches.
    pub(super) async fn all(&self, source: &Source, pending: &PendingFetch) -> Vec<Told> {
        join_all(pending.fetches.iter().map(|fetch| self.one(source, fetch))).await
    }

    async fn one(&self, source: &Source, fetch: &Fetch) -> Told {
        let (result, tries) = match &source.fetch {
            Some(policy) => self.tries(source, policy, fetch).await,
            None => (Err(NoAnswer::lasting("denied")), 0),
        };
        let (came, size, may_pass) = match &result {
            Ok(answered) => {
                let passes = judge(Some(answered.status), false) == Verdict::Again;
                (answered.status.to_string(), format!(", {} bytes", answered.body.len()), passes)
            }
            Err(failure) => (failure.code.to_owned(), String::new(), failure.may_pass),
        };
        let line = format!("host: fetch {} {} {}: {came}{size} after {tries} tries", fetch.id, fetch.method, fetch.url);
        let answer = result.map(fetched).map_err(|failure| failure.code.to_owned());
        Told { answer: FetchAnswer { id: fetch.id.clone(), answer }, came, may_pass, line }
    }

    async fn tries(
        &self,
        source: &Source,
        policy: &FetchPolicy<CredentialText>,
        fetch: &Fetch,
    ) -> (Result<Answered, NoAnswer>, u32) {
        let Ok(url) = resolve(policy, &fetch.url) else { return (Err(NoAnswer::lasting("denied")), 0) };
        let gate = self.gates.of(source.id);
        let mut renewable = policy.credentials.token_url().is_some();
        let mut tried = 0;
        loop {
            tried += 1;
            let result = self.once(source, policy, fetch, &url, &gate).await;
            let verdict = match &result {
                Ok((answered, _)) => judge(Some(answered.status), renewable),
                Err(failure) if failure.may_pass => Verdict::Again,
                Err(_) => Verdict::Final,
            };
            let (result, token) = match result {
                Ok((answered, token)) => (Ok(answered), token),
                Err(failure) => (Err(failure), None),
            };
            match verdict {
                Verdict::Reauthorize => {
                    // Once: a partner that refuses a fresh token, too, means it.
                    renewable = false;
                    if let Some(token) = token {
                        self.tokens.refuse(source.id, &token).await;
                    }
                }
                Verdict::Again if tried < policy.attempts_max => {
                    let told =
                        result.as_ref().ok().and_then(|answered| answered.headers.get(RETRY_AFTER)?.to_str().ok());
                    let asked = told.and_then(|value| parse_retry_after(value, self.clock.now_ms()));
                    tokio::time::sleep(Duration::from_millis(pause_ms(tried, asked))).await;
                }
                Verdict::Again | Verdict::Final => return (result, tried),
            }
        }
    }

    /// One try; with it comes the token that was shown, if one was.
    async fn once(
        &self,
        source: &Source,
        policy: &FetchPolicy<CredentialText>,
        fetch: &Fetch,
        url: &Url,
        gate: &Gate,
    ) -> Result<(Answered, Option<HeaderValue>), NoAnswer> {
        let now_ms = self.clock.now_ms();
        let of = For { source: source.id, version: source.version, policy, now_ms };
        let token = self.tokens.get(&self.exchanges, &of).await?;
        let mut headers = headers(&fetch.headers);
        if let Some((name, value)) = shown(&policy.credentials).map_err(|()| NoAnswer::lasting("credentials"))? {
            headers.insert(name, value);
        }
        if let Some(token) = &token {
            headers.insert(AUTHORIZATION, token.clone());
        }
        let method = Method::from_bytes(fetch.method.as_bytes()).map_err(|_| NoAnswer::lasting("denied"))?;
        let body = fetch.body.clone().map_or_else(Bytes::new, Bytes::from);
        let timeout = Duration::from_millis(u64::from(policy.timeout_ms));
        let _place = gate.pass(policy.rate_per_second).await;
        let answered = self.exchanges.make(Asked { method, url, headers, body, timeout }).await?;
        Ok((answered, token))
    }
}

/// The header of credentials that last.
fn shown(credentials: &Credentials<CredentialText>) -> Result<Option<(HeaderName, HeaderValue)>, ()> {
    Ok(match credentials {
        Credentials::Bearer { token } => Some((AUTHORIZATION, sensitive(&format!("Bearer {}", token.reveal()))?)),
        Credentials::Header { name, value } => {
            Some((HeaderName::try_from(name.as_str()).map_err(drop)?, sensitive(value.reveal())?))
        }
        Credentials::Basic { username, password } => Some((AUTHORIZATION, basic(username, password.reveal())?)),
        Credentials::None {} | Credentials::ClientCredentials { .. } | Credentials::PrivateKeyJwt { .. } => None,
    })
}

fn fetched(answered: Answered) -> Fetched {
    let harmless = answered.headers.iter().filter(|(name, _)| !SECRET_HEADERS.contains(&name.as_str()));
    let latin1 = |value: &HeaderValue| value.as_bytes().iter().copied().map(char::from).collect();
    Fetched {
        status: answered.status,
        headers: harmless.map(|(name, value)| (name.as_str().to_owned(), latin1(value))).collect(),
        body: answered.body,
    }
}
