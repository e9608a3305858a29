//! Attempts, opened.

use crate::corrupt::Reading;
use crate::database::Transaction;
use crate::exchange::Exchange;
use crate::fault::Failure;
use crate::sealer::{Sealer, column};
use hookwright_core::delivery::{Attempt, AttemptError};
use hookwright_core::id::DeliveryId;
use hookwright_store::StoreError;

struct Row {
    id: i64,
    delivery_id: i64,
    event_id: i64,
    subscription_id: i64,
    number: i64,
    started_at: i64,
    duration_ms: i64,
    response_code: Option<i64>,
    error_kind: Option<String>,
    plugin_digest: Option<String>,
    exchange: Vec<u8>,
}

impl Row {
    fn read(self, sealer: &Sealer) -> Result<Attempt, StoreError> {
        let reading = Reading { table: "attempt", row: self.id };
        let place = column::attempt_exchange(self.id);
        let (exchange, response_body): (Exchange, _) = sealer.open_parcel(place, &self.exchange)?;
        let detail = exchange.error_detail.unwrap_or_default();
        Ok(Attempt {
            id: reading.id("id", self.id)?,
            delivery_id: reading.id("delivery_id", self.delivery_id)?,
            event_id: reading.id("event_id", self.event_id)?,
            subscription_id: reading.id("subscription_id", self.subscription_id)?,
            number: reading.number("number", self.number)?,
            started_at: self.started_at,
            duration_ms: reading.number("duration_ms", self.duration_ms)?,
            response_code: reading.number_or_none("response_code", self.response_code)?,
            error: self.error_kind.map(|kind| AttemptError { kind, detail }),
            request_headers: exchange.request_headers,
            response_headers: exchange.response_headers,
            response_body,
            response_truncated: exchange.response_truncated,
            plugin_digest: self.plugin_digest,
            logs: exchange.logs,
        })
    }
}

/// All attempts of a delivery, first to last.
pub(super) async fn of(
    snapshot: &mut Transaction<'_>,
    sealer: &Sealer,
    delivery: DeliveryId,
) -> Result<Vec<Attempt>, Failure> {
    let delivery = delivery.get();
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, delivery_id, event_id, subscription_id, number, started_at, duration_ms, response_code, error_kind,
                plugin_digest, exchange
         FROM attempt WHERE delivery_id = $1 ORDER BY number",
        delivery
    )
    .fetch_all(&mut **snapshot)
    .await?;
    rows.into_iter().map(|row| Ok(row.read(sealer)?)).collect()
}
