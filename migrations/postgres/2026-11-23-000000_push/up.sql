-- The push channel: where agencies want to be reached, what waits to be pushed, and every attempt.

-- How an agency gets its packets: 'pickup' or 'push'.
ALTER TABLE agencies ADD COLUMN channel TEXT NOT NULL DEFAULT 'pickup';

-- Where an agency takes pushed packets, and how its circuit breaker stands.
CREATE TABLE endpoints (
    agency_code TEXT NOT NULL PRIMARY KEY REFERENCES agencies (agency_code),
    url TEXT NOT NULL,
    secret_sealed BYTEA NOT NULL,
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
    CONSTRAINT endpoint_takes_something CHECK (in_flight_max > 0)
);

-- Deliveries that wait to be pushed or are on their way; the row goes when the delivery is settled. While an attempt
-- runs, due_at is the end of its lease: a crash heals by itself, and nothing else has to be looked at.
CREATE TABLE pushes (
    delivery_id TEXT NOT NULL PRIMARY KEY REFERENCES deliveries (delivery_id),
    recipient_code TEXT NOT NULL,
    lane INTEGER NOT NULL,
    due_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    attempts INTEGER NOT NULL,
    lease_owner TEXT
);
CREATE INDEX pushes_due ON pushes (recipient_code, lane, due_at, delivery_id);
CREATE INDEX pushes_expiring ON pushes (expires_at);

-- What came of each attempt; kept also when the delivery is settled.
CREATE TABLE attempts (
    delivery_id TEXT NOT NULL REFERENCES deliveries (delivery_id),
    number INTEGER NOT NULL,
    started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP NOT NULL,
    outcome TEXT NOT NULL,
    http_status INTEGER,
    reason TEXT NOT NULL,
    next_at TIMESTAMP,
    PRIMARY KEY (delivery_id, number),
    CONSTRAINT attempt_outcome_known CHECK (outcome IN ('taken', 'later', 'refused', 'gone'))
);
