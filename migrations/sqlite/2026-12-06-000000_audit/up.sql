-- Auditors: the warrants under which they look, the samples that they draw; and who looked at what, of everybody.

-- What a warrant allows, from when until when. It is never changed, only revoked.
CREATE TABLE warrants (
    warrant_id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (user_id),
    number TEXT NOT NULL,
    decided_on TEXT NOT NULL,
    purpose TEXT NOT NULL,
    every_agency BOOLEAN NOT NULL,
    content BOOLEAN NOT NULL,
    documents_from TEXT NOT NULL,
    documents_until TEXT NOT NULL,
    from_at TIMESTAMP NOT NULL,
    until_at TIMESTAMP NOT NULL,
    issued_by TEXT NOT NULL,
    issued_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP,
    CONSTRAINT warrants_term CHECK (until_at > from_at),
    CONSTRAINT warrants_documents CHECK (documents_until >= documents_from)
);
CREATE INDEX warrants_by_user ON warrants (user_id, until_at);

-- The agencies of a warrant that is not for every one.
CREATE TABLE warrant_agencies (
    warrant_id TEXT NOT NULL REFERENCES warrants (warrant_id),
    agency_code TEXT NOT NULL REFERENCES agencies (agency_code),
    PRIMARY KEY (warrant_id, agency_code)
);

-- A sample: how large, from which seed, out of how many up to which head. Seed and head are empty until it is drawn.
CREATE TABLE samples (
    sample_id TEXT NOT NULL PRIMARY KEY,
    warrant_id TEXT NOT NULL REFERENCES warrants (warrant_id),
    size BIGINT NOT NULL,
    is_own_seed BOOLEAN NOT NULL,
    seed TEXT NOT NULL,
    evidence_id TEXT NOT NULL,
    asked_at TIMESTAMP NOT NULL,
    tree_size BIGINT NOT NULL,
    checkpoint TEXT NOT NULL,
    population BIGINT NOT NULL,
    drawn_at TIMESTAMP,
    archive_id TEXT
);
CREATE INDEX samples_by_warrant ON samples (warrant_id, sample_id);
CREATE INDEX samples_open ON samples (sample_id) WHERE drawn_at IS NULL;

-- The documents of a sample in the order in which they were drawn, with what the auditor noted of each.
CREATE TABLE sample_items (
    sample_id TEXT NOT NULL REFERENCES samples (sample_id),
    number BIGINT NOT NULL,
    envelope_id TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (sample_id, number)
);

-- Who looked at what: a row for each agency concerned by a piece of evidence, and one without an agency for the whole.
CREATE TABLE accesses (
    agency_code TEXT NOT NULL,
    evidence_id TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    who TEXT NOT NULL,
    act TEXT NOT NULL,
    about TEXT NOT NULL,
    envelope_id TEXT,
    warrant_id TEXT,
    PRIMARY KEY (agency_code, evidence_id)
);

-- What people opened before this version.
INSERT INTO accesses (agency_code, evidence_id, at, who, act, about, envelope_id, warrant_id)
SELECT agency, evidence_id, at, COALESCE(json_extract(facts, '$.by_user'), ''), 'open', '', envelope_id, NULL
FROM evidence WHERE event = 'docaxis:ContentViewed' AND agency IS NOT NULL;
INSERT INTO accesses (agency_code, evidence_id, at, who, act, about, envelope_id, warrant_id)
SELECT '', evidence_id, at, who, act, about, envelope_id, warrant_id FROM accesses;

-- From now on auditors see what a warrant gives, and nothing by themselves.
DELETE FROM user_agencies WHERE user_id IN (SELECT user_id FROM users WHERE role = 'auditor');
