-- The first schema of Hookwright on SQLite.
--
-- Numbers named `id` are time-ordered (milliseconds since 2024 << 22 | node << 12 | sequence), so tables and indexes grow at their ends.
-- Columns named in "sealed" remarks hold records of the sealing format (version, key id, nonce, ciphertext); table, row and column are authenticated with each.
-- Times are unix milliseconds. Flags are 0 or 1.

-- What the installation knows of itself; `key_check` is a known text, sealed.
CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Immutable facts. `fan_out` is [[delivery, subscription], …] as decided by the commit: it answers for an event's deliveries without an index.
CREATE TABLE event (
    id INTEGER PRIMARY KEY NOT NULL,
    event_type TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    message_id INTEGER,
    origin TEXT NOT NULL,
    fan_out TEXT NOT NULL,
    data BLOB NOT NULL -- sealed
) STRICT;

-- Deliveries that are not settled: the small table that a restart reads. A delivery is here or in `settled`, never in both.
CREATE TABLE pending (
    id INTEGER PRIMARY KEY NOT NULL,
    event_id INTEGER NOT NULL,
    subscription_id INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    budget_from INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX pending_subscription ON pending (subscription_id, id);

-- Deliveries that ended.
CREATE TABLE settled (
    id INTEGER PRIMARY KEY NOT NULL,
    event_id INTEGER NOT NULL,
    subscription_id INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('delivered', 'failed')),
    reason TEXT,
    attempts INTEGER NOT NULL,
    response_code INTEGER,
    settled_at INTEGER NOT NULL
) STRICT;
CREATE INDEX settled_subscription ON settled (subscription_id, id);
-- Failures are few, and what operators look for.
CREATE INDEX settled_failed ON settled (id) WHERE status = 'failed';
CREATE INDEX settled_failed_subscription ON settled (subscription_id, id) WHERE status = 'failed';

-- Every exchange, append-only.
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY NOT NULL,
    delivery_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    event_id INTEGER NOT NULL,
    subscription_id INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    response_code INTEGER,
    error_kind TEXT,
    plugin_digest TEXT,
    exchange BLOB NOT NULL, -- sealed: headers, log lines, error detail, response body
    UNIQUE (delivery_id, number)
) STRICT;

-- Partners' requests, kept raw, with what became of each.
CREATE TABLE message (
    id INTEGER PRIMARY KEY NOT NULL,
    source_id INTEGER NOT NULL,
    hook TEXT NOT NULL,
    method TEXT NOT NULL,
    tier TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    waiting_for TEXT,
    plugin_digest TEXT,
    events TEXT NOT NULL,
    metadata TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    findings BLOB NOT NULL, -- sealed: what the plugin found, and its log lines
    content BLOB NOT NULL -- sealed: query, headers, body
) STRICT;
CREATE INDEX message_source ON message (source_id, id);
CREATE INDEX message_status ON message (status, id);
CREATE INDEX message_source_status ON message (source_id, status, id);
CREATE INDEX message_waiting ON message (waiting_for) WHERE waiting_for IS NOT NULL;

-- Waiting messages whose customer has appeared since.
CREATE TABLE resumable (
    message_id INTEGER PRIMARY KEY NOT NULL
) STRICT;

-- Keys by which a repeat of a message is recognised, in periods of seven days; present and previous are looked into, so a key is kept seven days at least.
CREATE TABLE dedupe (
    period INTEGER NOT NULL,
    key BLOB NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (period, key)
) STRICT, WITHOUT ROWID;

-- Idempotency keys of clients, in periods of a day, likewise.
CREATE TABLE idempotency (
    period INTEGER NOT NULL,
    key BLOB NOT NULL,
    body_hash BLOB NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL, -- sealed
    PRIMARY KEY (period, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE customer (
    external_id TEXT PRIMARY KEY NOT NULL,
    region TEXT,
    region_outcome TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    person BLOB NOT NULL -- sealed: name and address
) STRICT, WITHOUT ROWID;

CREATE TABLE establishment (
    id INTEGER PRIMARY KEY NOT NULL,
    customer_id TEXT NOT NULL,
    region TEXT NOT NULL,
    established INTEGER NOT NULL CHECK (established IN (0, 1)),
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    appointment_id TEXT,
    message_id INTEGER,
    updated_at INTEGER NOT NULL,
    UNIQUE (customer_id, region)
) STRICT;
CREATE INDEX establishment_region ON establishment (region, id);
CREATE INDEX establishment_until ON establishment (until) WHERE established = 1;

-- Hash-chained: each entry's hash covers the one before it.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    reason TEXT,
    request_id TEXT,
    detail TEXT NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;

-- Registrations of external systems. The row outlives its deletion, so that its history can be told.
CREATE TABLE subscription (
    id INTEGER PRIMARY KEY NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    document BLOB NOT NULL -- sealed: everything else, secrets and headers among it
) STRICT;

CREATE TABLE source (
    id INTEGER PRIMARY KEY NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    document BLOB NOT NULL -- sealed: everything else, secrets among it
) STRICT;

CREATE TABLE plugin (
    id INTEGER PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    active TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE plugin_version (
    id INTEGER PRIMARY KEY NOT NULL,
    plugin TEXT NOT NULL,
    digest TEXT NOT NULL,
    world TEXT NOT NULL,
    version TEXT,
    description TEXT,
    size INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    UNIQUE (plugin, digest)
) STRICT;
CREATE INDEX plugin_version_plugin ON plugin_version (plugin, id);

-- Content-addressed: two plugins may share one.
CREATE TABLE component (
    digest TEXT PRIMARY KEY NOT NULL,
    bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
    id INTEGER PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    hash BLOB NOT NULL,
    scopes TEXT NOT NULL,
    expires_at INTEGER,
    revoked INTEGER NOT NULL CHECK (revoked IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;
