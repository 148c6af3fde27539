-- Events to senders: systems have webhooks, which are endpoints, and are told what happens to their documents.

-- Kinds of events that it wants, with commas between; empty: all, and for an agency's endpoint nothing.
ALTER TABLE endpoints ADD COLUMN wants TEXT NOT NULL DEFAULT '';
-- The secret before the last change of it, which signs beside the new one for a while.
ALTER TABLE endpoints ADD COLUMN former_sealed BYTEA;
ALTER TABLE endpoints ADD COLUMN former_until TIMESTAMP;
-- When its holder last asked for events anew.
ALTER TABLE endpoints ADD COLUMN replayed_at TIMESTAMP;

-- What is to be brought in order: of pushes with the same series one is on its way at a time.
ALTER TABLE pushes ADD COLUMN series TEXT;
CREATE INDEX pushes_of_series ON pushes (series) WHERE series IS NOT NULL;

-- One event for one webhook: made in the transaction of the event, kept for a while when it has ended.
CREATE TABLE announcements (
    announcement_id TEXT NOT NULL PRIMARY KEY,
    endpoint_id TEXT NOT NULL,
    event TEXT NOT NULL,
    series TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    changed_at TIMESTAMP NOT NULL,
    CONSTRAINT announcement_state_known CHECK (state IN ('waiting', 'taken', 'given_up'))
);
CREATE INDEX announcements_of_endpoint ON announcements (endpoint_id, created_at);
CREATE INDEX announcements_given_up ON announcements (endpoint_id, announcement_id) WHERE state = 'given_up';
CREATE INDEX announcements_ended ON announcements (changed_at) WHERE state <> 'waiting';
