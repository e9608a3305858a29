//! The hot statements: what groups read and write, a row at a time.
//!
//! They are static, so that each is prepared once. A statement that writes one row by its values needs no journal of its own, with which SQLite would copy every page it
//! changes; that is why these do not take many rows from JSON.

/// Id, type, created at, message, origin, fan-out, data, ordering key.
pub(crate) const EVENT: &str =
    "INSERT INTO event (id, event_type, created_at, message_id, origin, fan_out, data, ordering_key)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Id, event, subscription, due at, order.
pub(crate) const PENDING: &str =
    "INSERT INTO pending (id, event_id, subscription_id, attempts, budget_from, due_at, order_key)
VALUES (?1, ?2, ?3, 0, 0, ?4, ?5)";

/// Delivery.
pub(crate) const READ_PENDING: &str =
    "SELECT event_id, subscription_id, attempts, budget_from FROM pending WHERE id = ?1";

/// Delivery, number of the attempt.
pub(crate) const COUNT_ATTEMPT: &str = "UPDATE pending SET attempts = ?2, budget_from = ?2 WHERE id = ?1";

/// Delivery.
pub(crate) const DELETE_PENDING: &str = "DELETE FROM pending WHERE id = ?1";

/// Delivery, number of the attempt, due at.
pub(crate) const UPDATE_PENDING: &str = "UPDATE pending SET attempts = ?2, due_at = ?3 WHERE id = ?1";

/// Delivery, event, subscription, status, reason, attempts, code, settled at. A delivery is never in both tables; if a file had it in both, the first end would stand.
pub(crate) const SETTLED: &str =
    "INSERT OR IGNORE INTO settled (id, event_id, subscription_id, status, reason, attempts, response_code, settled_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Delivery, number of the attempt.
pub(crate) const LAST_CODE: &str = "SELECT response_code FROM attempt WHERE delivery_id = ?1 AND number = ?2";

/// Delivery, number, id, event, subscription, started at, duration, code, error, digest, exchange.
pub(crate) const ATTEMPT: &str =
    "INSERT OR IGNORE INTO attempt (delivery_id, number, id, event_id, subscription_id, started_at, duration_ms, response_code, error_kind, plugin_digest, exchange)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

/// Id, source, hook, method, tier, received at, status, reason, waiting for, digest, events, metadata, updated at, findings, content, secret.
pub(crate) const MESSAGE: &str =
    "INSERT INTO message (id, source_id, hook, method, tier, received_at, status, reason, waiting_for, plugin_digest, events, metadata, updated_at, findings, content, secret_id)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

/// Id, status, reason, waiting for, digest, events, metadata, updated at, findings.
pub(crate) const OUTCOME: &str =
    "UPDATE message SET status = ?2, reason = ?3, waiting_for = ?4, plugin_digest = ?5, events = ?6, metadata = ?7, updated_at = ?8, findings = ?9
WHERE id = ?1";

/// Message.
pub(crate) const DELETE_RESUMABLE: &str = "DELETE FROM resumable WHERE message_id = ?1";

/// Period, key, message.
pub(crate) const DEDUPE: &str = "INSERT INTO dedupe (period, key, message_id) VALUES (?1, ?2, ?3)
ON CONFLICT (period, key) DO UPDATE SET message_id = excluded.message_id";

/// Period, key, hash of the body, status, body.
pub(crate) const IDEMPOTENCY: &str =
    "INSERT INTO idempotency (period, key, body_hash, status, body) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (period, key) DO NOTHING";

/// External id, region, how it was found, created at, updated at, person.
pub(crate) const CUSTOMER: &str =
    "INSERT INTO customer (external_id, region, region_outcome, created_at, updated_at, person) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (external_id) DO UPDATE
SET region = excluded.region, region_outcome = excluded.region_outcome, updated_at = excluded.updated_at, person = excluded.person";

/// Customer.
pub(crate) const RESUMABLE: &str =
    "INSERT INTO resumable (message_id) SELECT m.id FROM message AS m WHERE m.waiting_for = ?1 AND m.status = 'waiting'
ON CONFLICT DO NOTHING";

/// Id, customer, region, established, since, until, appointment, message, updated at.
pub(crate) const ESTABLISHMENT: &str =
    "INSERT INTO establishment (id, customer_id, region, established, since, until, appointment_id, message_id, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT DO UPDATE
SET established = excluded.established, since = excluded.since, until = excluded.until, appointment_id = excluded.appointment_id,
    message_id = excluded.message_id, updated_at = excluded.updated_at";

/// Id, at, actor, action, target, reason, request, detail, previous hash, hash.
pub(crate) const AUDIT: &str =
    "INSERT INTO audit (id, at, actor, action, target, reason, request_id, detail, previous, hash)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// Customer.
pub(crate) const READ_CUSTOMER: &str =
    "SELECT external_id, region, region_outcome, created_at, updated_at, person FROM customer WHERE external_id = ?1";

/// Customer.
pub(crate) const READ_ESTABLISHMENTS: &str =
    "SELECT id, customer_id, region, established, since, until, appointment_id, message_id, updated_at
FROM establishment WHERE customer_id = ?1";

/// Key, present period.
pub(crate) const READ_DEDUPE: &str = "SELECT m.id, m.status, m.reason, m.events
FROM dedupe AS d CROSS JOIN message AS m ON m.id = d.message_id WHERE d.period IN (?2, ?2 - 1) AND d.key = ?1";

/// Key, present period.
pub(crate) const READ_IDEMPOTENCY: &str =
    "SELECT body_hash, status, body FROM idempotency WHERE period IN (?2, ?2 - 1) AND key = ?1";

/// Message.
pub(crate) const READ_MESSAGE: &str = "SELECT status, source_id, received_at FROM message WHERE id = ?1";

/// Now, how many.
pub(crate) const READ_LAPSING: &str =
    "SELECT id, customer_id, region, established, since, until, appointment_id, message_id, updated_at
FROM establishment WHERE established = 1 AND until <= ?1 ORDER BY until LIMIT ?2";
