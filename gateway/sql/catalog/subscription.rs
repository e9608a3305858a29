//! Subscriptions: a few columns in the clear, everything else sealed as one document.

use super::claim;
use crate::corrupt::Reading;
use crate::database::Connection;
use crate::desk::Desk;
use crate::directory::Update;
use crate::fault::Failure;
use crate::orphan;
use crate::sealer::{Sealer, column};
use crate::sweep;
use hookwright_core::delivery_options::DeliveryOptions;
use hookwright_core::id::{SecretId, SubscriptionId};
use hookwright_core::idempotency::Claimed;
use hookwright_core::pattern::EventPattern;
use hookwright_core::retry::RetryPolicy;
use hookwright_core::secret::{LiveSecret, SigningKey};
use hookwright_core::subscription::{Subscription, Transform};
use hookwright_store::{Change, Saved, StoreError};
use serde::{Deserialize, Serialize};

use std::sync::Arc;

/// What is sealed. Members may be added with a default; none may be renamed.
#[derive(Serialize, Deserialize)]
struct Document {
    url: String,
    /// As they were kept before each had an end; read where `live_secrets` is not there.
    #[serde(default)]
    secrets: Vec<String>,
    #[serde(default)]
    live_secrets: Option<Vec<KeptSecret>>,
    events: Vec<EventPattern>,
    retry_policy: RetryPolicy,
    max_retries: u32,
    name: String,
    description: Option<String>,
    created_by: String,
    transform: Option<Transform>,
    headers: Vec<(String, String)>,
    timeout_ms: u32,
    max_in_flight: u32,
    #[serde(default)]
    options: DeliveryOptions,
    disabled_reason: Option<String>,
}

/// One of its secrets.
#[derive(Serialize, Deserialize)]
struct KeptSecret {
    id: SecretId,
    key: String,
    created_at: i64,
    expires_at: Option<i64>,
}

impl KeptSecret {
    fn of(secret: &LiveSecret) -> Self {
        let key = secret.key.reveal().to_string();
        Self { id: secret.id, key, created_at: secret.created_at, expires_at: secret.expires_at }
    }

    fn read(&self) -> Option<LiveSecret> {
        let key = SigningKey::parse(&self.key).ok()?;
        Some(LiveSecret { id: self.id, key, created_at: self.created_at, expires_at: self.expires_at })
    }
}

impl Document {
    fn of(subscription: &Subscription) -> Self {
        let subscription = subscription.clone();
        Self {
            url: subscription.url,
            secrets: Vec::new(),
            live_secrets: Some(subscription.secrets.iter().map(KeptSecret::of).collect()),
            events: subscription.events,
            retry_policy: subscription.retry_policy,
            max_retries: subscription.max_retries,
            name: subscription.name,
            description: subscription.description,
            created_by: subscription.created_by,
            transform: subscription.transform,
            headers: subscription.headers,
            timeout_ms: subscription.timeout_ms,
            max_in_flight: subscription.max_in_flight,
            options: subscription.options,
            disabled_reason: subscription.disabled_reason,
        }
    }

    /// Its secrets; `None` if one of them is none.
    fn secrets(&self, subscription: i64, created_at: i64) -> Option<Vec<LiveSecret>> {
        match &self.live_secrets {
            Some(kept) => kept.iter().map(KeptSecret::read).collect(),
            None => self.secrets.iter().zip(0..).map(|(text, at)| former(text, at, subscription, created_at)).collect(),
        }
    }
}

struct Row {
    id: i64,
    active: i64,
    version: i64,
    created_at: i64,
    updated_at: i64,
    document: Vec<u8>,
}

impl Row {
    fn read(self, sealer: &Sealer) -> Result<Subscription, StoreError> {
        let reading = Reading { table: "subscription", row: self.id };
        let place = column::subscription_document(self.id);
        let (document, _): (Document, _) = sealer.open_parcel(place, &self.document)?;
        let secrets = document.secrets(self.id, self.created_at);
        Ok(Subscription {
            id: reading.id("id", self.id)?,
            url: document.url,
            secrets: reading.word("document", secrets)?,
            events: document.events,
            active: self.active == 1,
            retry_policy: document.retry_policy,
            max_retries: document.max_retries,
            name: document.name,
            description: document.description,
            created_by: document.created_by,
            transform: document.transform,
            headers: document.headers,
            timeout_ms: document.timeout_ms,
            max_in_flight: document.max_in_flight,
            options: document.options,
            created_at: self.created_at,
            updated_at: self.updated_at,
            disabled_reason: document.disabled_reason,
            version: self.version,
        })
    }
}

/// A secret of before they had ids: it takes a number that follows from the subscription's, the same at every reading.
fn former(text: &str, at: i64, subscription: i64, created_at: i64) -> Option<LiveSecret> {
    let id = SecretId::from_i64(subscription.checked_sub(at)?).ok()?;
    Some(LiveSecret::lasting(id, SigningKey::parse(text).ok()?, created_at))
}

/// Every subscription that is not deleted, oldest first.
pub(crate) async fn load(connection: &mut Connection, sealer: &Sealer) -> Result<Vec<Arc<Subscription>>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, active, version, created_at, updated_at, document
         FROM subscription WHERE deleted_at IS NULL ORDER BY id"
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|row| Ok(Arc::new(row.read(sealer)?))).collect()
}

pub(super) async fn create(
    desk: &mut Desk,
    subscription: Subscription,
    change: Change,
) -> Result<Saved<Arc<Subscription>>, Failure> {
    if let Some(prior) = claim::prior(desk, &change).await? {
        return Ok(prior);
    }
    let created = write(desk, subscription).await?;
    claim::keep(desk, &change).await?;
    desk.audit(change.audit).await?;
    Ok(Claimed::Fresh(created))
}

pub(super) async fn update(
    desk: &mut Desk,
    subscription: Subscription,
    expected: i64,
    change: Change,
) -> Result<Saved<Option<Arc<Subscription>>>, Failure> {
    if let Some(prior) = claim::prior(desk, &change).await? {
        return Ok(prior);
    }
    let Some(old) = desk.directory.subscription(subscription.id) else {
        return Ok(Claimed::Fresh(None));
    };
    if old.version != expected {
        return Err(StoreError::Stale.into());
    }
    let updated = write(desk, Subscription { version: expected + 1, ..subscription }).await?;
    claim::keep(desk, &change).await?;
    desk.audit(change.audit).await?;
    Ok(Claimed::Fresh(Some(updated)))
}

pub(super) async fn delete(desk: &mut Desk, id: SubscriptionId, change: Change) -> Result<bool, Failure> {
    if desk.directory.subscription(id).is_none() {
        return Ok(false);
    }
    let (number, now_ms) = (id.get(), desk.now_ms());
    sqlx::query!("UPDATE subscription SET active = 0, deleted_at = $2 WHERE id = $1", number, now_ms)
        .execute(&mut desk.connection)
        .await?;
    desk.updates.push(Update::NoSubscription(id));
    claim::keep(desk, &change).await?;
    desk.audit(change.audit).await?;
    if orphan::end_pending(desk, id).await? >= sweep::ROWS_MAX {
        // The rest is ended between the groups that follow. Should this commit fail, there is nothing to end then, which is looked at first.
        desk.orphaned.push_back(id);
    }
    Ok(true)
}

/// Writes a subscription as it is now, and stages it for the directory.
pub(crate) async fn write(desk: &mut Desk, subscription: Subscription) -> Result<Arc<Subscription>, Failure> {
    let id = subscription.id.get();
    let place = column::subscription_document(id);
    let document = desk.sealer.seal_parcel(place, &Document::of(&subscription), &[]);
    let active = i64::from(subscription.active);
    sqlx::query!(
        "INSERT INTO subscription (id, active, version, created_at, updated_at, document)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE
         SET active = excluded.active, version = excluded.version, updated_at = excluded.updated_at,
             document = excluded.document",
        id,
        active,
        subscription.version,
        subscription.created_at,
        subscription.updated_at,
        document
    )
    .execute(&mut desk.connection)
    .await?;
    let subscription = Arc::new(subscription);
    desk.updates.push(Update::Subscription(Arc::clone(&subscription)));
    Ok(subscription)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMER: &str = r#"{"url":"https://example.com/","secrets":["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
        "events":["*"],"retry_policy":"none","max_retries":0,"name":"n","description":null,"created_by":"local","transform":null,"headers":[],
        "timeout_ms":1,"max_in_flight":1,"disabled_reason":null}"#;

    #[test]
    fn secrets_of_before_they_had_ends_last() {
        let document: Document = serde_json::from_str(FORMER).unwrap();
        let secrets = document.secrets(5_000, 7).unwrap();
        let told: Vec<_> = secrets.iter().map(|s| (s.id.get(), s.key.hint(), s.created_at, s.expires_at)).collect();
        let expected = [(5_000, "whsec_…LaSw".to_owned(), 7, None), (4_999, "whsec_…b7oD".to_owned(), 7, None)];
        assert_eq!(told, expected);
        assert_eq!(document.secrets(5_000, 7).unwrap(), secrets, "the same at every reading");
        let bad: Document = serde_json::from_str(&FORMER.replace("LaSw", "!!!!")).unwrap();
        assert!(bad.secrets(5_000, 7).is_none());
    }
}
