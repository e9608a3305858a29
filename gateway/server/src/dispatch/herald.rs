//! Puts on record how subscriptions fare, one word after the other, so that a later one is never overtaken by an earlier.

use super::courier::{Courier, PAUSE_FIRST};
use super::failing::Fare;
use hookwright_core::audit::AuditDraft;
use hookwright_core::notice::{self, REASON_FAILING};
use hookwright_core::subscription::Subscription;
use hookwright_core::timestamp::format_ms;
use hookwright_store::{FareRecord, StoreError};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;

/// What is to be told of whom.
pub(super) type News = (Arc<Subscription>, Fare);

/// Writes down how subscriptions fare.
pub(super) struct Herald {
    /// Where it is written, and what the time is.
    pub(super) courier: Arc<Courier>,
    /// How long a subscriber may do nothing but fail, in milliseconds.
    pub(super) disable_after_ms: Option<i64>,
    /// Told when operators are to hear of something.
    pub(super) noticed: Arc<Notify>,
}

impl Herald {
    /// Writes what it hears until nobody tells it anything any more, or the store is closed.
    pub(super) async fn run(self, mut news: UnboundedReceiver<News>) {
        while let Some((subscription, fare)) = news.recv().await {
            let mut pause = PAUSE_FIRST;
            while let Err(error) = self.write(&subscription, fare).await {
                if matches!(error, StoreError::Closed) {
                    return;
                }
                self.courier.pause("recording how a subscription fares failed", &error, &mut pause).await;
            }
            if matches!(fare, Fare::Warned { .. } | Fare::Disabled { .. }) {
                self.noticed.notify_one();
            }
        }
    }

    async fn write(&self, subscription: &Subscription, fare: Fare) -> Result<(), StoreError> {
        let record = match fare {
            Fare::Failing { since } => FareRecord::Failing { since },
            Fare::Recovered => FareRecord::Recovered,
            Fare::Warned { since } => {
                let end = since.saturating_add(self.disable_after_ms.unwrap_or(0));
                tracing::warn!(subscription = %subscription.id, "does nothing but fail; it will be switched off at {}", format_ms(end));
                FareRecord::Warned { since, notice: notice::failing(subscription, since, end) }
            }
            Fare::Disabled { since } => {
                tracing::warn!(subscription = %subscription.id, "did nothing but fail since {}; it is switched off", format_ms(since));
                let now_ms = self.courier.clock.now_ms();
                let notice = notice::disabled(subscription, REASON_FAILING, Some(since), now_ms);
                FareRecord::Disabled { reason: REASON_FAILING, notice }
            }
            Fare::Parked { until: until_ms } => {
                let until = format_ms(until_ms);
                tracing::warn!(subscription = %subscription.id, "mostly fails; its deliveries are parked until {until}");
                self.courier.store.tell_parked(subscription.id, Some(until_ms)).await?;
                return self.audit(subscription, "subscription.parked", format!("until={until}")).await;
            }
            Fare::Unparked => {
                self.courier.store.tell_parked(subscription.id, None).await?;
                return self.audit(subscription, "subscription.unparked", String::new()).await;
            }
        };
        self.courier.store.record_fare(subscription.id, record).await
    }

    async fn audit(&self, subscription: &Subscription, action: &str, detail: String) -> Result<(), StoreError> {
        let entry = AuditDraft {
            at: self.courier.clock.now_ms(),
            actor: "system".to_owned(),
            action: action.to_owned(),
            target: subscription.id.to_string(),
            reason: None,
            request_id: None,
            detail,
        };
        self.courier.store.record(entry).await
    }
}
