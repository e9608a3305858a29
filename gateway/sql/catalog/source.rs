//! Sources: slug and flags in the clear, everything else sealed as one document.

use super::claim;
use crate::corrupt::Reading;
use crate::database::Connection;
use crate::desk::Desk;
use crate::directory::Update;
use crate::fault::Failure;
use crate::sealer::{Sealer, column};
use hookwright_core::fetch::FetchPolicy;
use hookwright_core::handshake::Handshake;
use hookwright_core::id::{SecretId, SourceId};
use hookwright_core::idempotency::Claimed;
use hookwright_core::secret::{CredentialText, RawSecret};
use hookwright_core::signature::Scheme;
use hookwright_core::source::{Ack, OnPluginFailure, Source, SourceSecret};
use hookwright_store::{Change, Saved, StoreError};
use serde::{Deserialize, Serialize};

use std::sync::Arc;

/// What is sealed. Members may be added with a default; none may be renamed.
#[derive(Serialize, Deserialize)]
struct Document {
    name: String,
    verification: Scheme,
    secrets: Vec<Secret>,
    plugin: String,
    settings: serde_json::Value,
    methods: Vec<String>,
    on_error: OnPluginFailure,
    updates_customers: bool,
    #[serde(default)]
    deadline_ms: Option<u32>,
    #[serde(default)]
    preset: Option<String>,
    #[serde(default)]
    handshakes: Vec<Handshake>,
    #[serde(default)]
    public_url: Option<String>,
    #[serde(default)]
    ack: Ack,
    #[serde(default)]
    heartbeat_seconds: Option<u32>,
    #[serde(default)]
    fetch: Option<FetchPolicy<String>>,
}

/// A secret as it is sealed.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Secret {
    Named {
        id: i64,
        secret: String,
    },
    /// As they were before they had ids.
    Nameless(String),
}

impl Secret {
    /// One without an id has the source's own number and its place for one, the same at every reading, until the source is written again.
    fn read(&self, source: i64, place: i64) -> Option<SourceSecret> {
        let (id, text) = match self {
            Self::Named { id, secret } => (*id, secret),
            Self::Nameless(secret) => (source.checked_add(place)?, secret),
        };
        Some(SourceSecret { id: SecretId::from_i64(id).ok()?, secret: RawSecret::parse(text).ok()? })
    }
}

impl Document {
    fn of(source: &Source) -> Self {
        let source = source.clone();
        Self {
            name: source.name,
            verification: source.verification,
            secrets: source.secrets.iter().map(named).collect(),
            plugin: source.plugin,
            settings: source.settings,
            methods: source.methods,
            on_error: source.on_error,
            updates_customers: source.updates_customers,
            deadline_ms: source.deadline_ms,
            preset: source.preset,
            handshakes: source.handshakes,
            public_url: source.public_url,
            ack: source.ack,
            heartbeat_seconds: source.heartbeat_seconds,
            fetch: source.fetch.and_then(|policy| policy.try_map(|secret| Some(secret.reveal().to_owned()))),
        }
    }
}

fn named(secret: &SourceSecret) -> Secret {
    Secret::Named { id: secret.id.get(), secret: secret.secret.reveal().to_owned() }
}

/// A policy whose secrets are in the gateway's own keeping; `None` if one cannot be a secret.
fn policy(stored: &FetchPolicy<String>) -> Option<FetchPolicy<CredentialText>> {
    stored.try_map(|text| CredentialText::parse(text).ok())
}

struct Row {
    id: i64,
    slug: String,
    active: i64,
    version: i64,
    created_at: i64,
    updated_at: i64,
    document: Vec<u8>,
}

impl Row {
    fn read(self, sealer: &Sealer) -> Result<Source, StoreError> {
        let reading = Reading { table: "source", row: self.id };
        let (document, _): (Document, _) = sealer.open_parcel(column::source_document(self.id), &self.document)?;
        let places = (0..).zip(&document.secrets);
        let secrets = places.map(|(place, secret)| secret.read(self.id, place)).collect::<Option<_>>();
        let fetch = document.fetch.as_ref().map(|stored| reading.word("document", policy(stored))).transpose()?;
        Ok(Source {
            id: reading.id("id", self.id)?,
            slug: self.slug,
            name: document.name,
            verification: document.verification,
            secrets: reading.word("document", secrets)?,
            preset: document.preset,
            handshakes: document.handshakes,
            public_url: document.public_url,
            ack: document.ack,
            heartbeat_seconds: document.heartbeat_seconds,
            fetch,
            plugin: document.plugin,
            settings: document.settings,
            methods: document.methods,
            on_error: document.on_error,
            updates_customers: document.updates_customers,
            deadline_ms: document.deadline_ms,
            active: self.active == 1,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
        })
    }
}

/// Every source, oldest first.
pub(crate) async fn load(connection: &mut Connection, sealer: &Sealer) -> Result<Vec<Arc<Source>>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, slug, active, version, created_at, updated_at, document FROM source ORDER BY id"
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|row| Ok(Arc::new(row.read(sealer)?))).collect()
}

pub(super) async fn create(desk: &mut Desk, source: Source, change: Change) -> Result<Saved<Arc<Source>>, Failure> {
    if let Some(prior) = claim::prior(desk, &change).await? {
        return Ok(prior);
    }
    let created = write(desk, source).await?;
    claim::keep(desk, &change).await?;
    desk.audit(change.audit).await?;
    Ok(Claimed::Fresh(created))
}

pub(super) async fn update(
    desk: &mut Desk,
    source: Source,
    expected: i64,
    change: Change,
) -> Result<Saved<Option<Arc<Source>>>, Failure> {
    if let Some(prior) = claim::prior(desk, &change).await? {
        return Ok(prior);
    }
    let Some(old) = desk.directory.source(source.id) else {
        return Ok(Claimed::Fresh(None));
    };
    if old.version != expected {
        return Err(StoreError::Stale.into());
    }
    let updated = write(desk, Source { version: expected + 1, ..source }).await?;
    claim::keep(desk, &change).await?;
    desk.audit(change.audit).await?;
    Ok(Claimed::Fresh(Some(updated)))
}

pub(super) async fn delete(desk: &mut Desk, id: SourceId, change: Change) -> Result<bool, Failure> {
    if desk.directory.source(id).is_none() {
        return Ok(false);
    }
    let number = id.get();
    sqlx::query!("DELETE FROM source WHERE id = $1", number).execute(&mut desk.connection).await?;
    desk.updates.push(Update::NoSource(id));
    claim::keep(desk, &change).await?;
    desk.audit(change.audit).await?;
    Ok(true)
}

/// Writes a source as it is now, and stages it for the directory.
async fn write(desk: &mut Desk, source: Source) -> Result<Arc<Source>, Failure> {
    if desk.directory.sources.load().iter().any(|other| other.slug == source.slug && other.id != source.id) {
        return Err(StoreError::Taken { what: "slug" }.into());
    }
    let id = source.id.get();
    let document = desk.sealer.seal_parcel(column::source_document(id), &Document::of(&source), &[]);
    let active = i64::from(source.active);
    sqlx::query!(
        "INSERT INTO source (id, slug, active, version, created_at, updated_at, document)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE
         SET slug = excluded.slug, active = excluded.active, version = excluded.version,
             updated_at = excluded.updated_at, document = excluded.document",
        id,
        source.slug,
        active,
        source.version,
        source.created_at,
        source.updated_at,
        document
    )
    .execute(&mut desk.connection)
    .await?;
    let source = Arc::new(source);
    desk.updates.push(Update::Source(Arc::clone(&source)));
    Ok(source)
}
