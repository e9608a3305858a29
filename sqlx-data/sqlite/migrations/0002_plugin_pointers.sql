-- Pointers of plugins that move by rules: a plugin may have no active version, has a history of what served, and may run a candidate.

CREATE TABLE plugin_next (
    id INTEGER PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    world TEXT NOT NULL,
    active TEXT,
    canary TEXT, -- JSON
    policy TEXT NOT NULL, -- JSON
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO plugin_next (id, name, world, active, canary, policy, updated_at, revision)
SELECT id, name,
    coalesce((SELECT world FROM plugin_version WHERE plugin = name AND digest = active), 'inbound'),
    active, NULL, '{"failures_max":5,"reuse":1,"reprocess":true}', updated_at, 1
FROM plugin;

-- What served, append-only.
CREATE TABLE plugin_activation (
    id INTEGER PRIMARY KEY NOT NULL,
    plugin TEXT NOT NULL,
    digest TEXT NOT NULL,
    previous TEXT,
    cause TEXT NOT NULL,
    at INTEGER NOT NULL,
    by TEXT NOT NULL
) STRICT;
CREATE INDEX plugin_activation_plugin ON plugin_activation (plugin, id);
-- Of the time before there was a history, what serves now is known and no more. A plugin's id is as good as any for the one row it gets.
INSERT INTO plugin_activation (id, plugin, digest, previous, cause, at, by)
SELECT id, name, active, NULL, 'push', updated_at, 'system' FROM plugin;

DROP TABLE plugin;
ALTER TABLE plugin_next RENAME TO plugin;

ALTER TABLE plugin_version ADD COLUMN contract TEXT NOT NULL DEFAULT '0.1.0';
ALTER TABLE plugin_version ADD COLUMN fixtures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE plugin_version ADD COLUMN quarantine TEXT; -- JSON
-- Whether the event of the quarantine was published.
ALTER TABLE plugin_version ADD COLUMN quarantine_told INTEGER NOT NULL DEFAULT 0 CHECK (quarantine_told IN (0, 1));
CREATE INDEX plugin_version_untold ON plugin_version (id) WHERE quarantine IS NOT NULL AND quarantine_told = 0;

-- What the files of the watched directory held when they were last taken in.
CREATE TABLE plugin_file (
    file TEXT PRIMARY KEY NOT NULL,
    digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;
