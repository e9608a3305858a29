-- The first schema of Hookwright on PostgreSQL.
--
-- Tables, columns and what is in them are those of the schema on SQLite, so that the queries that do not depend on the database are written once, and records move between
-- the two as they are. Numbers named `id` are time-ordered (milliseconds since 2024 << 22 | node << 12 | sequence); node 0 stands for the cluster as a whole.
-- Columns named in "sealed" remarks hold records of the sealing format; table, row and column are authenticated with each. Times are unix milliseconds. Flags are 0 or 1.

CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL,
    value BYTEA NOT NULL
);

-- What nodes share.

-- Processes that work on this database. A node whose lease is over owns nothing.
CREATE TABLE node (
    id BIGINT PRIMARY KEY NOT NULL CHECK (id BETWEEN 1 AND 1023),
    run BYTEA NOT NULL, -- which run of which process: a number is taken over when its lease is over
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    schema BIGINT NOT NULL, -- the newest that its program knows
    process TEXT, -- by which one that is started again on the same machine knows that its former run has ended
    started_at BIGINT NOT NULL,
    retiring BIGINT NOT NULL DEFAULT 0 CHECK (retiring IN (0, 1)), -- it gives away what it owns, and takes nothing
    lease_until BIGINT NOT NULL -- by this database's clock
) WITH (fillfactor = 50);

-- Shares of the way out: a subscription belongs to the shard that its id hashes to, and its deliveries are made by the node that owns the shard.
CREATE TABLE shard (
    id BIGINT PRIMARY KEY NOT NULL,
    node_id BIGINT,
    epoch BIGINT NOT NULL DEFAULT 0 -- grows with each change of owner
) WITH (fillfactor = 50);
INSERT INTO shard (id) SELECT generate_series(0, 1023);

-- Deliveries that were committed by a node that is not their owner, or that are to keep an order: their owner collects them. Every row is written in the transaction of what it tells of.
CREATE TABLE handoff (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard BIGINT NOT NULL,
    deliveries BIGINT[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- How often subscriptions, sources, keys and plugins changed: whoever has another number in memory reads them again.
CREATE TABLE revision (
    one BIGINT PRIMARY KEY NOT NULL DEFAULT 1 CHECK (one = 1),
    number BIGINT NOT NULL
) WITH (fillfactor = 10);
INSERT INTO revision (number) VALUES (1);

-- Breakers that are open: told by the node that serves the subscription, for the others to show.
CREATE TABLE parked (
    subscription_id BIGINT PRIMARY KEY NOT NULL,
    until BIGINT NOT NULL
);

-- The end of the audit chain; whoever adds to the audit holds this row until its commit.
CREATE TABLE audit_end (
    one BIGINT PRIMARY KEY NOT NULL DEFAULT 1 CHECK (one = 1),
    id BIGINT NOT NULL,
    hash BYTEA NOT NULL
) WITH (fillfactor = 10);
INSERT INTO audit_end (id, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

-- The place of the last id of the cluster's own: milliseconds since 2024 << 12 | sequence.
CREATE SEQUENCE last_place AS BIGINT MINVALUE 0 START 0;

-- Takes `amount` places that lie after all that were taken before, and not before `floor`; returns the first. What is committed before this is called has a smaller place,
-- whichever node it was: that is what the order of deliveries rests on, and no clock.
CREATE FUNCTION take_places(floor BIGINT, amount BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    first BIGINT;
BEGIN
    PERFORM pg_advisory_lock(7594034);
    SELECT greatest(last_value + 1, floor) INTO first FROM last_place;
    PERFORM setval('last_place', first + amount - 1);
    PERFORM pg_advisory_unlock(7594034);
    RETURN first;
END $$;

-- This database's clock, unix milliseconds.
CREATE FUNCTION now_ms() RETURNS BIGINT LANGUAGE sql VOLATILE AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

-- What SQLite has, for lists of numbers: queries then read alike.
CREATE FUNCTION json_each(list TEXT) RETURNS TABLE (value BIGINT) LANGUAGE sql IMMUTABLE STRICT ROWS 100 AS $$
    SELECT number::text::bigint FROM pg_catalog.json_array_elements(list::json) AS number
$$;
CREATE FUNCTION json_array_length(list TEXT) RETURNS BIGINT LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT pg_catalog.json_array_length(list::json)::bigint $$;
CREATE FUNCTION json_extract(document TEXT, path TEXT) RETURNS BIGINT LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT jsonb_path_query_first(document::jsonb, path::jsonpath)::text::bigint
$$;

-- Records. Those that grow with the traffic are in partitions of a day each (a range of ids), so that a day goes at once; the default one takes what no day is there for.

-- Immutable facts. `fan_out` is [[delivery, subscription], …] as decided by the commit.
CREATE TABLE event (
    id BIGINT PRIMARY KEY NOT NULL,
    event_type TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    message_id BIGINT,
    origin TEXT NOT NULL,
    fan_out TEXT NOT NULL,
    data BYTEA NOT NULL, -- sealed
    ordering_key BYTEA -- sealed
) PARTITION BY RANGE (id);
CREATE TABLE event_default PARTITION OF event DEFAULT;
-- Sealed bytes have nothing to compress.
ALTER TABLE event ALTER COLUMN data SET STORAGE EXTERNAL;

-- Deliveries that are not settled. A delivery is here or in `settled`, never in both.
CREATE TABLE pending (
    id BIGINT PRIMARY KEY NOT NULL,
    event_id BIGINT NOT NULL,
    subscription_id BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    budget_from BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    order_key BIGINT
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX pending_subscription ON pending (subscription_id, id);

-- Deliveries that ended.
CREATE TABLE settled (
    id BIGINT PRIMARY KEY NOT NULL,
    event_id BIGINT NOT NULL,
    subscription_id BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('delivered', 'failed')),
    reason TEXT,
    attempts BIGINT NOT NULL,
    response_code BIGINT,
    settled_at BIGINT NOT NULL
) PARTITION BY RANGE (id);
CREATE TABLE settled_default PARTITION OF settled DEFAULT;
CREATE INDEX settled_subscription ON settled (subscription_id, id);
CREATE INDEX settled_failed ON settled (id) WHERE status = 'failed';
CREATE INDEX settled_failed_subscription ON settled (subscription_id, id) WHERE status = 'failed';

-- Every exchange, append-only. Two nodes may have made an attempt of one number, around a change of owner: both did happen.
CREATE TABLE attempt (
    id BIGINT NOT NULL,
    delivery_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    node_id BIGINT NOT NULL,
    event_id BIGINT NOT NULL,
    subscription_id BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    response_code BIGINT,
    error_kind TEXT,
    plugin_digest TEXT,
    exchange BYTEA NOT NULL, -- sealed: headers, log lines, error detail, response body
    PRIMARY KEY (delivery_id, number, node_id)
) PARTITION BY RANGE (delivery_id);
CREATE TABLE attempt_default PARTITION OF attempt DEFAULT;
-- A page for thousands of rows: whether a day has attempts that are not old yet.
CREATE INDEX attempt_made ON attempt USING brin (id) WITH (autosummarize = on);
ALTER TABLE attempt ALTER COLUMN exchange SET STORAGE EXTERNAL;

-- Partners' requests, kept raw, with what became of each.
CREATE TABLE message (
    id BIGINT PRIMARY KEY NOT NULL,
    source_id BIGINT NOT NULL,
    hook TEXT NOT NULL,
    method TEXT NOT NULL,
    tier TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    waiting_for TEXT,
    plugin_digest TEXT,
    events TEXT NOT NULL,
    metadata TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    findings BYTEA NOT NULL, -- sealed: what the plugin found, and its log lines
    content BYTEA NOT NULL -- sealed: query, headers, body
) PARTITION BY RANGE (id);
CREATE TABLE message_default PARTITION OF message DEFAULT;
ALTER TABLE message ALTER COLUMN findings SET STORAGE EXTERNAL, ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE INDEX message_source ON message (source_id, id);
CREATE INDEX message_status ON message (status, id);
CREATE INDEX message_source_status ON message (source_id, status, id);
CREATE INDEX message_waiting ON message (waiting_for) WHERE waiting_for IS NOT NULL;
-- Likewise: whether a day has messages that changed since.
CREATE INDEX message_changed ON message USING brin (updated_at) WITH (autosummarize = on);

-- Waiting messages whose customer has appeared since.
CREATE TABLE resumable (
    message_id BIGINT PRIMARY KEY NOT NULL
);

-- Keys by which a repeat of a message is recognised, in periods of seven days; present and previous are looked into.
CREATE TABLE dedupe (
    period BIGINT NOT NULL,
    key BYTEA NOT NULL,
    message_id BIGINT NOT NULL,
    PRIMARY KEY (period, key)
);

-- Idempotency keys of clients, in periods of a day, likewise.
CREATE TABLE idempotency (
    period BIGINT NOT NULL,
    key BYTEA NOT NULL,
    body_hash BYTEA NOT NULL,
    status BIGINT NOT NULL,
    body BYTEA NOT NULL, -- sealed
    PRIMARY KEY (period, key)
);

-- Ids that callers give are ordered by their bytes, as on SQLite.
CREATE TABLE customer (
    external_id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    region TEXT,
    region_outcome TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    person BYTEA NOT NULL -- sealed: name and address
);

CREATE TABLE establishment (
    id BIGINT PRIMARY KEY NOT NULL,
    customer_id TEXT COLLATE "C" NOT NULL,
    region TEXT NOT NULL,
    established BIGINT NOT NULL CHECK (established IN (0, 1)),
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    appointment_id TEXT,
    message_id BIGINT,
    updated_at BIGINT NOT NULL,
    UNIQUE (customer_id, region)
);
CREATE INDEX establishment_region ON establishment (region, id);
CREATE INDEX establishment_until ON establishment (until) WHERE established = 1;

-- Hash-chained: each entry's hash covers the one before it.
CREATE TABLE audit (
    id BIGINT PRIMARY KEY NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    reason TEXT,
    request_id TEXT,
    detail TEXT NOT NULL,
    previous BYTEA NOT NULL,
    hash BYTEA NOT NULL
);

CREATE TABLE subscription (
    id BIGINT PRIMARY KEY NOT NULL,
    active BIGINT NOT NULL CHECK (active IN (0, 1)),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    document BYTEA NOT NULL -- sealed: everything else, secrets and headers among it
);

CREATE TABLE source (
    id BIGINT PRIMARY KEY NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    active BIGINT NOT NULL CHECK (active IN (0, 1)),
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    document BYTEA NOT NULL -- sealed: everything else, secrets among it
);

CREATE TABLE plugin (
    id BIGINT PRIMARY KEY NOT NULL,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    world TEXT NOT NULL,
    active TEXT,
    canary TEXT, -- JSON
    policy TEXT NOT NULL, -- JSON
    updated_at BIGINT NOT NULL,
    revision BIGINT NOT NULL
);

-- What served, append-only.
CREATE TABLE plugin_activation (
    id BIGINT PRIMARY KEY NOT NULL,
    plugin TEXT NOT NULL,
    digest TEXT NOT NULL,
    previous TEXT,
    cause TEXT NOT NULL,
    at BIGINT NOT NULL,
    by TEXT NOT NULL
);
CREATE INDEX plugin_activation_plugin ON plugin_activation (plugin, id);

CREATE TABLE plugin_version (
    id BIGINT PRIMARY KEY NOT NULL,
    plugin TEXT NOT NULL,
    digest TEXT NOT NULL,
    world TEXT NOT NULL,
    version TEXT,
    description TEXT,
    size BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    contract TEXT NOT NULL DEFAULT '0.1.0',
    fixtures BIGINT NOT NULL DEFAULT 0,
    quarantine TEXT, -- JSON
    quarantine_told BIGINT NOT NULL DEFAULT 0 CHECK (quarantine_told IN (0, 1)),
    UNIQUE (plugin, digest)
);
CREATE INDEX plugin_version_plugin ON plugin_version (plugin, id);
CREATE INDEX plugin_version_untold ON plugin_version (id) WHERE quarantine IS NOT NULL AND quarantine_told = 0;

-- Content-addressed: two plugins may share one.
CREATE TABLE component (
    digest TEXT PRIMARY KEY NOT NULL,
    bytes BYTEA NOT NULL
);

CREATE TABLE plugin_file (
    file TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    digest TEXT NOT NULL
);

CREATE TABLE api_key (
    id BIGINT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    hash BYTEA NOT NULL,
    scopes TEXT NOT NULL,
    expires_at BIGINT,
    revoked BIGINT NOT NULL CHECK (revoked IN (0, 1)),
    created_at BIGINT NOT NULL
);

-- Subscriptions of which nothing but failures is known, since when.
CREATE TABLE failing (
    subscription_id BIGINT PRIMARY KEY NOT NULL,
    since BIGINT NOT NULL,
    warned BIGINT NOT NULL DEFAULT 0 CHECK (warned IN (0, 1))
);

-- Events of the gateway's own that are still to be published.
CREATE TABLE notice (
    id BIGINT PRIMARY KEY NOT NULL,
    event_type TEXT NOT NULL,
    data TEXT NOT NULL, -- JSON, without any person's data
    ordering_key TEXT
);
