//! `keys`: API keys, in the local database while no gateway runs on it, or through the API of a running one.

use super::api::{ApiKeyArguments, all, success};
use super::failure::{Failure, told, usage};
use super::output::{print, print_json};
use super::settings::SettingsArguments;
use super::table::Table;
use crate::chance;
use crate::clock::SystemClock;
use crate::config::{Database, parse_duration};
use crate::serve::{OpenedStore, ServeError, log, open_store, word_about_key};
use hookwright_core::audit::AuditDraft;
use hookwright_core::id::KeyId;
use hookwright_core::idempotency::Claimed;
use hookwright_core::secret::ApiKey;
use hookwright_core::timestamp::format_ms;
use hookwright_store::{Change, Clock, KeyRecord, KeyScope};
use http::Method;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Manage API keys.
#[derive(Debug, clap::Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key. It is shown once.
    Create {
        /// What the key is for.
        #[arg(long)]
        name: String,
        /// What it may do; may be repeated.
        #[arg(long, required = true, value_parser = scope)]
        scope: Vec<KeyScope>,
        /// How long it works, e.g. `90d`; for good if it is left out.
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        expires: Option<Duration>,
        #[command(flatten)]
        place: PlaceArguments,
    },
    /// List the keys that work.
    List {
        #[command(flatten)]
        place: PlaceArguments,
    },
    /// Make a key worthless at once.
    Revoke {
        /// The key's id (`key_…`).
        id: KeyId,
        #[command(flatten)]
        place: PlaceArguments,
    },
}

/// Which gateway's keys.
#[derive(Debug, clap::Args)]
pub(super) struct PlaceArguments {
    /// The admin listener of a running gateway; without it the database is changed, where a SQLite file must not be in use by a
    /// gateway.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    key: ApiKeyArguments,
    #[command(flatten)]
    settings: SettingsArguments,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn scope(word: &str) -> Result<KeyScope, String> {
    KeyScope::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = KeyScope::ALL.iter().map(|scope| scope.as_str()).collect();
        format!("expected one of {}", words.join(", "))
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "expected a duration such as 12h or 90d".to_owned())
}

pub(super) async fn run(command: KeysCommand) -> Result<ExitCode, Failure> {
    match command {
        KeysCommand::Create { name, scope, expires, place } => {
            if name.trim().is_empty() || name.len() > 200 {
                return Err(usage("--name: expected 1 to 200 bytes"));
            }
            let expires_at = expires
                .map(|span| SystemClock.now_ms().saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)));
            let made = match &place.url {
                Some(url) => create_remotely(&place, url, &name, &scope, expires_at).await?,
                None => create_locally(&place, name, scope, expires_at).await?,
            };
            tell_created(&made, place.json)?;
        }
        KeysCommand::List { place } => {
            let keys = match &place.url {
                Some(url) => all(&place.key.client(url)?, "/admin/keys").await?,
                None => list_locally(&place).await?,
            };
            tell_list(keys, place.json)?;
        }
        KeysCommand::Revoke { id, place } => {
            match &place.url {
                Some(url) => {
                    let path = format!("/admin/keys/{id}");
                    success(&place.key.client(url)?.send(Method::DELETE, &path, &[], "").await?)?;
                }
                None => revoke_locally(&place, id).await?,
            }
            if place.json {
                print_json(&json!({ "id": id, "revoked": true }))?;
            } else {
                print(&format!("{id} is revoked"))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl PlaceArguments {
    async fn open(&self) -> Result<OpenedStore, Failure> {
        let config = self.settings.load()?.config;
        log::start(&config.log);
        let opened = open_store(&config, Arc::new(SystemClock)).await.map_err(|error| match error {
            error @ ServeError::Database { .. } if matches!(config.database, Database::Sqlite(_)) => {
                let why = crate::problem::chain(&error);
                told(format!("{why}\n  if a gateway runs on it, ask that: --url http://127.0.0.1:8081"))
            }
            error => error.into(),
        })?;
        if let Some(path) = &opened.made_key {
            eprintln!("hookwright: {}", word_about_key(path));
        }
        Ok(opened)
    }
}

async fn create_remotely(
    place: &PlaceArguments,
    url: &str,
    name: &str,
    scopes: &[KeyScope],
    expires_at: Option<i64>,
) -> Result<Value, Failure> {
    let mut body = json!({ "name": name, "scopes": scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>() });
    if let Some(expires_at) = expires_at {
        body["expires_at"] = json!(format_ms(expires_at));
    }
    success(&place.key.client(url)?.json(Method::POST, "/admin/keys", &body).await?)
}

async fn create_locally(
    place: &PlaceArguments,
    name: String,
    scopes: Vec<KeyScope>,
    expires_at: Option<i64>,
) -> Result<Value, Failure> {
    let opened = place.open().await?;
    let key = ApiKey::generate(opened.ids.next(), chance::bytes());
    let record = KeyRecord {
        id: key.id(),
        name,
        hash: key.hash(),
        scopes,
        expires_at,
        revoked: false,
        created_at: SystemClock.now_ms(),
    };
    let created = opened.store.create_key(record, change("key.created", key.id())).await;
    opened.close().await;
    match created? {
        Claimed::Fresh(record) => {
            let mut made = as_json(&record);
            made["key"] = json!(key.reveal());
            Ok(made)
        }
        // Without an idempotency key there is nothing to replay.
        Claimed::Replayed(_) | Claimed::Mismatch => Err(told("the store answered for another request")),
    }
}

async fn list_locally(place: &PlaceArguments) -> Result<Vec<Value>, Failure> {
    let opened = place.open().await?;
    let keys = opened.store.keys().iter().map(as_json).collect();
    opened.close().await;
    Ok(keys)
}

async fn revoke_locally(place: &PlaceArguments, id: KeyId) -> Result<(), Failure> {
    let opened = place.open().await?;
    let revoked = opened.store.revoke_key(id, change("key.revoked", id)).await;
    opened.close().await;
    if revoked? { Ok(()) } else { Err(told(format!("there is no key {id} that works"))) }
}

fn change(action: &str, id: KeyId) -> Change {
    let audit = AuditDraft {
        at: SystemClock.now_ms(),
        actor: "local".to_owned(),
        action: action.to_owned(),
        target: id.to_string(),
        reason: None,
        request_id: None,
        detail: "by=cli".to_owned(),
    };
    Change { audit, claim: None }
}

fn as_json(record: &KeyRecord) -> Value {
    json!({
        "id": record.id,
        "name": record.name,
        "scopes": record.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(),
        "expires_at": record.expires_at.map(format_ms),
        "created_at": format_ms(record.created_at),
    })
}

fn tell_created(made: &Value, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return print_json(made);
    }
    let text = |field: &str| made[field].as_str().unwrap_or_default();
    print(&format!(
        "{}\n\n{} ({}) is shown this once; keep it where secrets are kept.",
        text("key"),
        text("id"),
        text("name")
    ))
}

fn tell_list(keys: Vec<Value>, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return print_json(&keys.into());
    }
    let mut table = Table::new(&["ID", "NAME", "SCOPES", "CREATED", "EXPIRES"]);
    for key in &keys {
        let text = |field: &str| key[field].as_str().unwrap_or_default().to_owned();
        let scopes: Vec<&str> = key["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        table.row([text("id"), text("name"), scopes.join(","), text("created_at"), text("expires_at")]);
    }
    print(&table.text())
}
