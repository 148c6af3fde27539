-- Operators tell agencies in the portal what they should know, for a time.
CREATE TABLE bulletins (
    bulletin_id TEXT NOT NULL PRIMARY KEY,
    text TEXT NOT NULL,
    from_at TIMESTAMP NOT NULL,
    until_at TIMESTAMP NOT NULL,
    published_by TEXT NOT NULL REFERENCES users (user_id),
    published_at TIMESTAMP NOT NULL,
    withdrawn_at TIMESTAMP,
    -- What ends before it begins is never shown.
    CONSTRAINT bulletins_period CHECK (until_at > from_at)
);
CREATE INDEX bulletins_by_end ON bulletins (until_at);

-- For whom; one without rows here is for all.
CREATE TABLE bulletin_agencies (
    bulletin_id TEXT NOT NULL REFERENCES bulletins (bulletin_id),
    agency_code TEXT NOT NULL REFERENCES agencies (agency_code),
    PRIMARY KEY (bulletin_id, agency_code)
);
