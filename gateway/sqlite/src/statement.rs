//! The hot texts: whole transactions as one static string each, over rows as JSON and contents as one blob.
//!
//! A call to SQLite is a hop to its thread and back, which costs more than the rows of a small group; so a group is one call. Parameters are named `$n`, which sqlx binds by
//! name in each statement of a text; `?n` would be bound by position and leave a statement without its rows. `jsonb_each` hands each row on in the form it was parsed to;
//! `json_each` would write it out as text for `->>` to parse again.
//!
//! | parameter | rows |
//! |---|---|
//! | `$1` | events: id, type, created at, message, origin, fan-out, offset and length of the data in `$2`, those of the ordering key |
//! | `$3` | pending: id, event, subscription, due at, order |
//! | `$4` | finished: delivery, number, kind (0 delivered, 1 failed, 2 retry, 3 abandoned), due at, reason, code, settled at, attempt, event, subscription, started at, duration, error, digest, offset and length of the exchange in `$5` |
//! | `$6` | messages, `$7` contents of all that follow |
//! | `$8` to `$13` | outcomes, de-duplication keys, idempotency keys, customers, establishments, audit |

macro_rules! begin {
    () => {
        "BEGIN IMMEDIATE;\n"
    };
}

macro_rules! commit {
    () => {
        "COMMIT;"
    };
}

macro_rules! events {
    () => {
        "INSERT INTO event (id, event_type, created_at, message_id, origin, fan_out, data, ordering_key)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, substr($2, value->>6, value->>7), substr($2, value->>8, value->>9)
FROM jsonb_each($1);
INSERT INTO pending (id, event_id, subscription_id, attempts, budget_from, due_at, order_key)
SELECT value->>0, value->>1, value->>2, 0, 0, value->>3, value->>4
FROM jsonb_each($3);
"
    };
}

macro_rules! finishes {
    () => {
        // A failure counts only as the attempt that follows the last one on record; a success is true whenever it arrives, while the delivery is pending.
        "INSERT OR REPLACE INTO settled (id, event_id, subscription_id, status, reason, attempts, response_code, settled_at)
SELECT p.id, p.event_id, p.subscription_id,
       CASE value->>2 WHEN 0 THEN 'delivered' ELSE 'failed' END,
       value->>4,
       max(p.attempts, value->>1),
       CASE value->>2 WHEN 3
            THEN (SELECT a.response_code FROM attempt AS a WHERE a.delivery_id = p.id AND a.number = p.attempts)
            ELSE value->>5 END,
       value->>6
FROM jsonb_each($4) CROSS JOIN pending AS p ON p.id = value->>0
WHERE (value->>2 = 0 AND value->>1 <= p.attempts + 1)
   OR (value->>2 = 1 AND value->>1 = p.attempts + 1)
   OR value->>2 = 3
RETURNING id;
DELETE FROM pending
WHERE id IN (SELECT s.id FROM jsonb_each($4) CROSS JOIN settled AS s ON s.id = value->>0);
UPDATE pending SET attempts = x.number, due_at = x.due_at
FROM (SELECT value->>0 AS id, value->>1 AS number, value->>3 AS due_at FROM jsonb_each($4) WHERE value->>2 = 2) AS x
WHERE pending.id = x.id AND pending.attempts = x.number - 1
RETURNING id;
INSERT INTO attempt (delivery_id, number, id, event_id, subscription_id, started_at, duration_ms, response_code, error_kind, plugin_digest, exchange)
SELECT value->>0, value->>1, value->>7, value->>8, value->>9, value->>10, value->>11, value->>5, value->>12, value->>13,
       substr($5, value->>14, value->>15)
FROM jsonb_each($4)
WHERE value->>7 IS NOT NULL
ON CONFLICT DO NOTHING;
"
    };
}

macro_rules! records {
    () => {
        "INSERT INTO message (id, source_id, hook, method, tier, received_at, status, reason, waiting_for, plugin_digest, events, metadata, updated_at, findings, content)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9, value->>10, value->>11, value->>12,
       substr($7, value->>13, value->>14), substr($7, value->>15, value->>16)
FROM jsonb_each($6);
UPDATE message
SET status = x.status, reason = x.reason, waiting_for = x.waiting_for, plugin_digest = x.plugin_digest, events = x.events, metadata = x.metadata,
    updated_at = x.updated_at, findings = x.findings
FROM (SELECT value->>0 AS id, value->>1 AS status, value->>2 AS reason, value->>3 AS waiting_for, value->>4 AS plugin_digest, value->>5 AS events,
             value->>6 AS metadata, value->>7 AS updated_at, substr($7, value->>8, value->>9) AS findings
      FROM jsonb_each($8)) AS x
WHERE message.id = x.id;
DELETE FROM resumable WHERE message_id IN (SELECT value->>0 FROM jsonb_each($8));
INSERT INTO dedupe (period, key, message_id)
SELECT value->>0, unhex(value->>1), value->>2 FROM jsonb_each($9) WHERE true
ON CONFLICT (period, key) DO UPDATE SET message_id = excluded.message_id;
INSERT INTO idempotency (period, key, body_hash, status, body)
SELECT value->>0, unhex(value->>1), unhex(value->>2), value->>3, substr($7, value->>4, value->>5) FROM jsonb_each($10) WHERE true
ON CONFLICT (period, key) DO NOTHING;
INSERT INTO customer (external_id, region, region_outcome, created_at, updated_at, person)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, substr($7, value->>5, value->>6) FROM jsonb_each($11) WHERE true
ON CONFLICT (external_id) DO UPDATE
SET region = excluded.region, region_outcome = excluded.region_outcome, updated_at = excluded.updated_at, person = excluded.person;
INSERT INTO resumable (message_id)
SELECT m.id FROM jsonb_each($11) CROSS JOIN message AS m ON m.waiting_for = value->>0 WHERE m.status = 'waiting'
ON CONFLICT DO NOTHING;
INSERT INTO establishment (id, customer_id, region, established, since, until, appointment_id, message_id, updated_at)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8 FROM jsonb_each($12) WHERE true
ON CONFLICT DO UPDATE
SET established = excluded.established, since = excluded.since, until = excluded.until, appointment_id = excluded.appointment_id,
    message_id = excluded.message_id, updated_at = excluded.updated_at;
INSERT INTO audit (id, at, actor, action, target, reason, request_id, detail, previous, hash)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, unhex(value->>8), unhex(value->>9)
FROM jsonb_each($13);
"
    };
}

/// Publications, and nothing that had to be read.
pub(crate) const PUBLISH: &str = concat!(begin!(), events!(), commit!());
/// Attempts alone.
pub(crate) const FINISH: &str = concat!(begin!(), finishes!(), commit!());
/// Publications and attempts.
pub(crate) const PUBLISH_AND_FINISH: &str = concat!(begin!(), events!(), finishes!(), commit!());
/// Everything, where nothing had to be read.
pub(crate) const ALL: &str = concat!(begin!(), events!(), finishes!(), records!(), commit!());
/// Everything, in the transaction that [`READ`] began.
pub(crate) const ALL_AFTER_READ: &str = concat!(events!(), finishes!(), records!(), commit!());
/// Attempts, within a transaction that somebody else begins and ends.
pub(crate) const FINISH_WITHIN: &str = finishes!();

/// Begins a transaction and reads what a group needs. The first column of every row tells its kind.
///
/// `$1` customers, `$2` de-duplication keys, `$3` their present period, `$4` idempotency keys, `$5` their present period, `$6` messages, `$7` now, `$8` how many may lapse.
pub(crate) const READ: &str = "BEGIN IMMEDIATE;
SELECT 1, c.external_id, c.region, c.region_outcome, c.created_at, c.updated_at, c.person
FROM json_each($1) CROSS JOIN customer AS c ON c.external_id = value;
SELECT 2, e.id, e.customer_id, e.region, e.established, e.since, e.until, e.appointment_id, e.message_id, e.updated_at
FROM json_each($1) CROSS JOIN establishment AS e ON e.customer_id = value;
SELECT 3, d.key, m.id, m.status, m.reason, m.events
FROM json_each($2) CROSS JOIN dedupe AS d ON d.period IN ($3, $3 - 1) AND d.key = unhex(value)
CROSS JOIN message AS m ON m.id = d.message_id;
SELECT 4, i.key, i.body_hash, i.status, i.body
FROM json_each($4) CROSS JOIN idempotency AS i ON i.period IN ($5, $5 - 1) AND i.key = unhex(value);
SELECT 5, m.id, m.status, m.source_id, m.received_at
FROM json_each($6) CROSS JOIN message AS m ON m.id = value;
SELECT 6, e.id, e.customer_id, e.region, e.established, e.since, e.until, e.appointment_id, e.message_id, e.updated_at
FROM establishment AS e WHERE e.established = 1 AND e.until <= $7 ORDER BY e.until LIMIT $8;";
