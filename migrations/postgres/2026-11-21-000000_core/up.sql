-- The core: who takes part, what was sent, where it is, and the evidence of it.
-- Ids are made by the hub: 32 hexadecimal characters, ordered by time. Times are UTC at microseconds.

-- Registered participants; never deleted, only closed.
CREATE TABLE agencies (
    agency_code TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    parent_code TEXT,
    mail TEXT NOT NULL,
    mobile TEXT NOT NULL,
    fax TEXT NOT NULL,
    state TEXT NOT NULL,
    successor_code TEXT,
    version BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    changed_at TIMESTAMP NOT NULL,
    CONSTRAINT agency_state_known CHECK (state IN ('open', 'suspended', 'closed')),
    CONSTRAINT successor_only_when_closed CHECK (successor_code IS NULL OR state = 'closed')
);

-- Every code that leads to an agency, its own included; folded to upper case, since the field writes both.
CREATE TABLE agency_aliases (
    alias_folded TEXT NOT NULL PRIMARY KEY,
    alias TEXT NOT NULL,
    agency_code TEXT NOT NULL REFERENCES agencies (agency_code)
);
CREATE INDEX agency_aliases_by_agency ON agency_aliases (agency_code, alias_folded);

-- Installations of document-management software.
CREATE TABLE systems (
    system_id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);

-- Which system speaks for which agency.
CREATE TABLE system_agencies (
    system_id TEXT NOT NULL REFERENCES systems (system_id),
    agency_code TEXT NOT NULL REFERENCES agencies (agency_code),
    PRIMARY KEY (system_id, agency_code)
);
CREATE INDEX system_agencies_by_agency ON system_agencies (agency_code, system_id);

-- Keys of systems; the secret is sealed under the hub's key file.
CREATE TABLE system_keys (
    key_id TEXT NOT NULL PRIMARY KEY,
    system_id TEXT NOT NULL REFERENCES systems (system_id),
    secret_sealed BYTEA NOT NULL,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP,
    revoked_at TIMESTAMP
);
CREATE INDEX system_keys_by_system ON system_keys (system_id, key_id);

-- Accepted packets. System is null when the hub itself wrote the packet.
CREATE TABLE envelopes (
    envelope_id TEXT NOT NULL PRIMARY KEY,
    packet_kind TEXT NOT NULL,
    system_id TEXT,
    sender_code TEXT NOT NULL,
    document_id TEXT NOT NULL,
    meaning BYTEA NOT NULL,
    payload_sha256 BYTEA NOT NULL,
    bytes BIGINT NOT NULL,
    subject TEXT NOT NULL,
    code_number TEXT NOT NULL,
    code_notation TEXT NOT NULL,
    type_name TEXT NOT NULL,
    issued_on TEXT,
    due_on TEXT,
    urgency INTEGER NOT NULL,
    accepted_at TIMESTAMP NOT NULL
);

-- Packets as received, one copy for all recipients. Without content the bytes are in a file named by the digest.
-- Keyed by the envelope and not by the digest: a random key would touch a page of its own for each packet.
CREATE TABLE payloads (
    envelope_id TEXT NOT NULL PRIMARY KEY REFERENCES envelopes (envelope_id),
    sha256 BYTEA NOT NULL,
    content BYTEA
);
CREATE INDEX payloads_in_files ON payloads (sha256) WHERE content IS NULL;
-- Base64 does not compress enough to pay for trying.
ALTER TABLE payloads ALTER COLUMN content SET STORAGE EXTERNAL;

-- What is attached to an accepted packet.
CREATE TABLE attachments (
    envelope_id TEXT NOT NULL REFERENCES envelopes (envelope_id),
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    sha256 BYTEA NOT NULL,
    PRIMARY KEY (envelope_id, number)
);

-- One envelope for one recipient. The natural key makes a second registration impossible. Outcome is what the
-- sender was told at acceptance and never changes; state does.
CREATE TABLE deliveries (
    delivery_id TEXT NOT NULL PRIMARY KEY,
    envelope_id TEXT NOT NULL REFERENCES envelopes (envelope_id),
    sender_code TEXT NOT NULL,
    document_id TEXT NOT NULL,
    packet_kind TEXT NOT NULL,
    recipient_code TEXT NOT NULL,
    occurrence TEXT NOT NULL,
    outcome TEXT NOT NULL,
    state TEXT NOT NULL,
    mark TEXT NOT NULL,
    note TEXT NOT NULL,
    recall TEXT NOT NULL,
    fetched_at TIMESTAMP,
    accepted_at TIMESTAMP NOT NULL,
    changed_at TIMESTAMP NOT NULL,
    CONSTRAINT delivery_state_known CHECK (state IN ('pending', 'consigned', 'handed_over', 'withdrawn', 'failed')),
    CONSTRAINT delivery_outcome_known CHECK (outcome IN ('pending', 'consigned', 'withdrawn')),
    CONSTRAINT delivery_mark_known CHECK (mark IN ('initial', 'processing', 'done', 'fail')),
    CONSTRAINT done_iff_handed_over CHECK ((state = 'handed_over') = (mark = 'done')),
    CONSTRAINT withdrawn_was_never_fetched CHECK (state <> 'withdrawn' OR fetched_at IS NULL),
    CONSTRAINT delivery_recall_known CHECK (recall IN ('', 'requested', 'agreed', 'refused')),
    CONSTRAINT delivery_natural_key UNIQUE (document_id, sender_code, packet_kind, recipient_code, occurrence)
);
CREATE INDEX deliveries_waiting ON deliveries (recipient_code, delivery_id) WHERE state = 'consigned';
CREATE INDEX deliveries_by_envelope ON deliveries (envelope_id, delivery_id);
CREATE INDEX deliveries_by_sender ON deliveries (sender_code, delivery_id);

-- How documents belong together: relation is recalls, updates, replaces or answers.
CREATE TABLE document_links (
    envelope_id TEXT NOT NULL REFERENCES envelopes (envelope_id),
    relation TEXT NOT NULL,
    target_sender_code TEXT NOT NULL,
    target_document_id TEXT NOT NULL,
    PRIMARY KEY (envelope_id, relation, target_sender_code, target_document_id)
);
CREATE INDEX document_links_by_target ON document_links (target_sender_code, target_document_id, envelope_id);

-- What recipients (and, for code 13, senders) report about a delivered document.
CREATE TABLE status_reports (
    envelope_id TEXT NOT NULL REFERENCES envelopes (envelope_id),
    delivery_id TEXT NOT NULL REFERENCES deliveries (delivery_id),
    reporter_code TEXT NOT NULL,
    status_code TEXT NOT NULL,
    description TEXT NOT NULL,
    claimed_at TIMESTAMP,
    accepted_at TIMESTAMP NOT NULL,
    PRIMARY KEY (envelope_id, delivery_id)
);
CREATE INDEX status_reports_by_delivery ON status_reports (delivery_id, envelope_id);

-- The hub's own record of events: appended, never changed, never deleted.
CREATE TABLE evidence (
    evidence_id TEXT NOT NULL PRIMARY KEY,
    event TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    envelope_id TEXT,
    delivery_id TEXT,
    agency TEXT,
    system_id TEXT,
    facts TEXT NOT NULL
);
CREATE FUNCTION refuse_evidence_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'evidence is append-only'; END $$;
CREATE TRIGGER evidence_is_never_changed BEFORE UPDATE ON evidence
FOR EACH ROW EXECUTE FUNCTION refuse_evidence_change();
CREATE TRIGGER evidence_is_never_deleted BEFORE DELETE ON evidence
FOR EACH ROW EXECUTE FUNCTION refuse_evidence_change();

-- Scheduled work: the row is the job, claimed by lease.
CREATE TABLE job_runs (
    job TEXT NOT NULL,
    due_at TIMESTAMP NOT NULL,
    lease_owner TEXT,
    lease_until TIMESTAMP,
    finished_at TIMESTAMP,
    PRIMARY KEY (job, due_at),
    CONSTRAINT lease_has_owner_and_end CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
);
