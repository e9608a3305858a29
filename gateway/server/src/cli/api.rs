//! The flags of the commands that talk to a running gateway, and its answers.

use super::failure::{Failure, told};
use crate::client::{Answer, Client};
use serde_json::Value;

/// Where the gateway's admin listener is.
pub(super) const URL: &str = "http://127.0.0.1:8081";

/// Which gateway, and the key to show there.
#[derive(Debug, clap::Args)]
pub(super) struct ApiArguments {
    /// The admin listener of a running gateway.
    #[arg(long, value_name = "URL", env = "HOOKWRIGHT_URL", default_value = URL)]
    url: String,
    #[command(flatten)]
    key: ApiKeyArguments,
}

/// The key to show.
#[derive(clap::Args)]
pub(super) struct ApiKeyArguments {
    /// An API key; better given in the variable, for arguments can be seen by others on the machine.
    #[arg(long, value_name = "KEY", env = "HOOKWRIGHT_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
}

/// The key is a secret.
impl std::fmt::Debug for ApiKeyArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKeyArguments").finish_non_exhaustive()
    }
}

impl ApiArguments {
    /// A client for it.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        self.key.client(&self.url)
    }
}

impl ApiKeyArguments {
    /// A client for the gateway at `url`.
    pub(super) fn client(&self, url: &str) -> Result<Client, Failure> {
        let client = Client::new(url);
        match &self.api_key {
            Some(key) => Ok(client.with_key(key.trim())?),
            None => Ok(client),
        }
    }
}

/// The answer's body, if the answer is a success; what the gateway said was wrong, if not.
pub(super) fn success(answer: &Answer) -> Result<Value, Failure> {
    if answer.status.is_success() {
        return Ok(answer.json());
    }
    let body = answer.json();
    let mut text = format!("the gateway answered {}", answer.status);
    if let Some(detail) = body["detail"].as_str() {
        text = format!("{text}: {detail}");
    }
    for error in body["errors"].as_array().into_iter().flatten() {
        let (pointer, detail) = (error["pointer"].as_str().unwrap_or(""), error["detail"].as_str().unwrap_or(""));
        text = format!("{text}\n  {pointer}: {detail}");
    }
    Err(told(text))
}

/// All rows of a list, page after page.
pub(super) async fn all(client: &Client, path: &str) -> Result<Vec<Value>, Failure> {
    let (mut rows, mut cursor) = (Vec::new(), None);
    loop {
        let page = match &cursor {
            None => format!("{path}?limit=200"),
            Some(cursor) => format!("{path}?limit=200&cursor={cursor}"),
        };
        let mut body = success(&client.get(&page).await?)?;
        match body["data"].take() {
            Value::Array(data) => rows.extend(data),
            _ => return Err(told("the gateway's answer is not a list")),
        }
        match body["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(rows),
        }
    }
}
