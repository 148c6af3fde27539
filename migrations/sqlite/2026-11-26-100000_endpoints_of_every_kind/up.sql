-- Not only agencies have endpoints, and not only deliveries are pushed: an endpoint has a kind and a holder, a push an id
-- of its own and the endpoint that it goes to.

-- Where somebody takes what the hub pushes, and how its circuit breaker stands. The id is made of kind and holder, so that
-- whoever puts something in line need not look it up.
CREATE TABLE endpoints_new (
    endpoint_id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    holder TEXT NOT NULL,
    url TEXT NOT NULL,
    secret_sealed BLOB NOT NULL,
    confirms_itself BOOLEAN NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    in_flight_max INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    openings INTEGER NOT NULL,
    rests_until TIMESTAMP,
    succeeded_at TIMESTAMP,
    failed_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    changed_at TIMESTAMP NOT NULL,
    CONSTRAINT endpoint_state_known CHECK (state IN ('open', 'paused', 'gone')),
    CONSTRAINT endpoint_takes_something CHECK (in_flight_max > 0),
    CONSTRAINT endpoint_is_named_by_its_holder CHECK (endpoint_id = kind || ':' || holder)
) WITHOUT ROWID;
INSERT INTO endpoints_new
SELECT 'agency:' || agency_code, 'agency', agency_code, url, secret_sealed, confirms_itself, state, reason, in_flight_max,
    failures, openings, rests_until, succeeded_at, failed_at, created_at, changed_at FROM endpoints;
DROP TABLE endpoints;
ALTER TABLE endpoints_new RENAME TO endpoints;

-- What waits to be pushed or is on its way; the row goes when it is settled. A delivery's id is its push's id too. While
-- an attempt runs, due_at is the end of its lease: a crash heals by itself, and nothing else has to be looked at.
CREATE TABLE pushes_new (
    push_id TEXT NOT NULL PRIMARY KEY,
    endpoint_id TEXT NOT NULL,
    lane INTEGER NOT NULL,
    due_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    attempts INTEGER NOT NULL,
    lease_owner TEXT,
    held BOOLEAN NOT NULL DEFAULT FALSE
) WITHOUT ROWID;
INSERT INTO pushes_new
SELECT delivery_id, 'agency:' || recipient_code, lane, due_at, expires_at, attempts, lease_owner, held FROM pushes;
DROP TABLE pushes;
ALTER TABLE pushes_new RENAME TO pushes;
CREATE INDEX pushes_due ON pushes (endpoint_id, lane, due_at, push_id);
CREATE INDEX pushes_expiring ON pushes (expires_at);
