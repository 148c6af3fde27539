-- People who sign in to the portal, their sessions, and what they have read.
CREATE TABLE users (
    user_id TEXT NOT NULL PRIMARY KEY,
    login TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password TEXT NOT NULL,
    must_change BOOLEAN NOT NULL,
    second_factor TEXT NOT NULL,
    secret_sealed BLOB,
    last_step BIGINT NOT NULL,
    failures INTEGER NOT NULL,
    locked_until TIMESTAMP,
    suspended_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    signed_in_at TIMESTAMP,
    CONSTRAINT users_login UNIQUE (login),
    CONSTRAINT users_role CHECK (role IN ('clerk', 'auditor', 'operator', 'administrator')),
    CONSTRAINT users_second_factor CHECK (second_factor IN ('none', 'begun', 'on'))
);

CREATE TABLE user_agencies (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    agency_code TEXT NOT NULL REFERENCES agencies (agency_code),
    PRIMARY KEY (user_id, agency_code)
);

-- A session is known by the digest of what its cookie says: a stolen database opens none.
CREATE TABLE user_sessions (
    session_digest BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (user_id),
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    seen_at TIMESTAMP NOT NULL
);
CREATE INDEX user_sessions_by_user ON user_sessions (user_id);
CREATE INDEX user_sessions_by_age ON user_sessions (seen_at);

CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    code_digest BLOB NOT NULL,
    PRIMARY KEY (user_id, code_digest)
);

CREATE TABLE read_documents (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    envelope_id TEXT NOT NULL REFERENCES envelopes (envelope_id),
    PRIMARY KEY (user_id, envelope_id)
);

-- The transfer log: what came to an agency, and what it sent; documents only.
CREATE INDEX deliveries_arrived ON deliveries (recipient_code, accepted_at, delivery_id) WHERE packet_kind NOT LIKE 'status-%';
CREATE INDEX envelopes_sent ON envelopes (sender_code, accepted_at, envelope_id) WHERE packet_kind NOT LIKE 'status-%';

-- The search index follows the ledger: a document's number is that of the evidence of its acceptance. Made anew from
-- the ledger whenever the position is set to 0, so it is neither backed up nor restored.
CREATE TABLE search_position (
    only_row INTEGER NOT NULL PRIMARY KEY,
    ledger_index BIGINT NOT NULL,
    CONSTRAINT search_position_only_row CHECK (only_row = 1)
);
INSERT INTO search_position (only_row, ledger_index) VALUES (1, 0);

CREATE TABLE searchable_documents (
    number BIGINT NOT NULL PRIMARY KEY,
    envelope_id TEXT NOT NULL
);

CREATE VIRTUAL TABLE document_words USING fts5 (words, content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 0');
