-- What went wrong with the hub, since when and until when: one row from its beginning to its end.
CREATE TABLE incidents (
    incident_id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    -- What of the hub it concerns: a machine, an endpoint, a job, a node; empty: the hub.
    place TEXT NOT NULL,
    -- Whether the hub, or what it concerns, did not work.
    grave BOOLEAN NOT NULL,
    vi TEXT NOT NULL,
    en TEXT NOT NULL,
    began_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP
);
-- Nodes see the same things: of each there is one that goes on.
CREATE UNIQUE INDEX incidents_open ON incidents (kind, place) WHERE ended_at IS NULL;
CREATE INDEX incidents_by_time ON incidents (began_at, incident_id);
CREATE INDEX incidents_by_kind ON incidents (kind, began_at, incident_id);
CREATE INDEX incidents_by_end ON incidents (ended_at);
