-- What the delivery engine keeps: the order of deliveries, how subscriptions fare, and what operators are to be told.

ALTER TABLE event ADD COLUMN ordering_key BLOB; -- sealed
-- 63 bits of the key's hash: those with the same go one at a time.
ALTER TABLE pending ADD COLUMN order_key INTEGER;

-- Subscriptions of which nothing but failures is known, since when; a row goes with the next success.
CREATE TABLE failing (
    subscription_id INTEGER PRIMARY KEY NOT NULL,
    since INTEGER NOT NULL,
    warned INTEGER NOT NULL DEFAULT 0 CHECK (warned IN (0, 1))
) STRICT;

-- Events of the gateway's own that are still to be published: written with what they tell of, deleted once they are.
CREATE TABLE notice (
    id INTEGER PRIMARY KEY NOT NULL,
    event_type TEXT NOT NULL,
    data TEXT NOT NULL, -- JSON, without any person's data
    ordering_key TEXT
) STRICT;
