-- Endpoints and pushes of other kinds than agencies' are lost.
CREATE TABLE pushes_old (
    delivery_id TEXT NOT NULL PRIMARY KEY REFERENCES deliveries (delivery_id),
    recipient_code TEXT NOT NULL,
    lane INTEGER NOT NULL,
    due_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    attempts INTEGER NOT NULL,
    lease_owner TEXT,
    held BOOLEAN NOT NULL DEFAULT FALSE
) WITHOUT ROWID;
INSERT INTO pushes_old
SELECT push_id, substr(endpoint_id, 8), lane, due_at, expires_at, attempts, lease_owner, held FROM pushes
WHERE endpoint_id LIKE 'agency:%';
DROP TABLE pushes;
ALTER TABLE pushes_old RENAME TO pushes;
CREATE INDEX pushes_due ON pushes (recipient_code, lane, due_at, delivery_id);
CREATE INDEX pushes_expiring ON pushes (expires_at);

CREATE TABLE endpoints_old (
    agency_code TEXT NOT NULL PRIMARY KEY REFERENCES agencies (agency_code),
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
    CONSTRAINT endpoint_takes_something CHECK (in_flight_max > 0)
) WITHOUT ROWID;
INSERT INTO endpoints_old
SELECT holder, url, secret_sealed, confirms_itself, state, reason, in_flight_max, failures, openings, rests_until,
    succeeded_at, failed_at, created_at, changed_at FROM endpoints WHERE kind = 'agency';
DROP TABLE endpoints;
ALTER TABLE endpoints_old RENAME TO endpoints;
