-- Operators see what has failed by cause and recipient, and have it started anew at a rate; much of it only two together.

-- What has failed and nobody has mended yet: started anew, arrived late after all, or found taken back.
CREATE TABLE failures (
    delivery_id TEXT NOT NULL PRIMARY KEY REFERENCES deliveries (delivery_id),
    recipient_code TEXT NOT NULL,
    cause TEXT NOT NULL,
    failed_at TIMESTAMP NOT NULL
);
CREATE INDEX failures_by_group ON failures (recipient_code, cause, delivery_id, failed_at);

-- Why those of before had failed is known from their evidence only.
INSERT INTO failures (delivery_id, recipient_code, cause, failed_at)
SELECT delivery_id, recipient_code, 'unknown', changed_at FROM deliveries AS old
WHERE state = 'failed' AND NOT EXISTS (
    SELECT 1 FROM deliveries AS new WHERE new.envelope_id = old.envelope_id AND new.occurrence = 'anew:' || old.delivery_id
);

-- A group of failures that is to be started anew.
CREATE TABLE redrives (
    redrive_id TEXT NOT NULL PRIMARY KEY,
    recipient_code TEXT NOT NULL,
    cause TEXT NOT NULL,
    per_minute INTEGER NOT NULL,
    reason TEXT NOT NULL,
    -- How many there were when it was proposed; what fails later is not meant.
    found BIGINT NOT NULL,
    state TEXT NOT NULL,
    proposed_by TEXT NOT NULL REFERENCES users (user_id),
    proposed_at TIMESTAMP NOT NULL,
    -- Who agreed or refused, where one person was not enough.
    decided_by TEXT REFERENCES users (user_id),
    decided_at TIMESTAMP,
    -- Until when it may be decided.
    expires_at TIMESTAMP NOT NULL,
    -- The last delivery that was gone through.
    after_delivery TEXT NOT NULL,
    started BIGINT NOT NULL,
    taken_back BIGINT NOT NULL,
    started_before BIGINT NOT NULL,
    ended_at TIMESTAMP,
    CONSTRAINT redrives_state CHECK (state IN ('proposed', 'running', 'paused', 'done', 'refused', 'stopped', 'lapsed')),
    -- Nobody agrees to its own proposal.
    CONSTRAINT redrives_two_people CHECK (decided_by IS NULL OR decided_by <> proposed_by)
);
-- One at a time for each group.
CREATE UNIQUE INDEX redrives_open ON redrives (recipient_code, cause) WHERE ended_at IS NULL;

-- The new deliveries of each: what became of them is its report.
CREATE TABLE redriven_deliveries (
    redrive_id TEXT NOT NULL REFERENCES redrives (redrive_id),
    delivery_id TEXT NOT NULL REFERENCES deliveries (delivery_id),
    PRIMARY KEY (redrive_id, delivery_id)
);
