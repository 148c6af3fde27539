-- Contents of packets are destroyed once their time is over, by the decision of two people and with proof; holds keep them.

-- What must stay, whatever its class says. The scope is a JSON object; a hold that was lifted holds nothing.
CREATE TABLE legal_holds (
    hold_id TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    reason TEXT NOT NULL,
    placed_by TEXT NOT NULL,
    placed_at TIMESTAMP NOT NULL,
    lifted_by TEXT,
    lifted_at TIMESTAMP,
    lifted_reason TEXT NOT NULL
);
CREATE INDEX legal_holds_in_force ON legal_holds (hold_id) WHERE lifted_at IS NULL;

-- A selection of packets whose contents are to be destroyed.
CREATE TABLE purges (
    purge_id TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    reason TEXT NOT NULL,
    found BIGINT NOT NULL,
    found_bytes BIGINT NOT NULL,
    state TEXT NOT NULL,
    proposed_by TEXT NOT NULL REFERENCES users (user_id),
    proposed_at TIMESTAMP NOT NULL,
    decided_by TEXT REFERENCES users (user_id),
    decided_at TIMESTAMP,
    -- Until when it may be decided.
    expires_at TIMESTAMP NOT NULL,
    -- The last packet that was gone through.
    after_envelope TEXT NOT NULL,
    destroyed BIGINT NOT NULL,
    destroyed_bytes BIGINT NOT NULL,
    kept BIGINT NOT NULL,
    ended_at TIMESTAMP,
    -- The evidence that is the certificate.
    evidence_id TEXT,
    CONSTRAINT purges_state CHECK (state IN ('proposed', 'running', 'paused', 'done', 'refused', 'stopped', 'lapsed')),
    -- Nobody agrees to its own proposal.
    CONSTRAINT purges_two_people CHECK (decided_by IS NULL OR decided_by <> proposed_by),
    -- Nothing is destroyed that nobody agreed to.
    CONSTRAINT purges_agreed CHECK (destroyed = 0 OR decided_by IS NOT NULL)
);
CREATE INDEX purges_open ON purges (purge_id) WHERE ended_at IS NULL;

-- The very packets that were proposed, each with what became of it: empty, destroyed, or why it was kept after all.
CREATE TABLE purge_packets (
    purge_id TEXT NOT NULL REFERENCES purges (purge_id),
    envelope_id TEXT NOT NULL REFERENCES envelopes (envelope_id),
    class TEXT NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (purge_id, envelope_id)
);

-- What lost its content, once and for ever, with its line in the certificate.
CREATE TABLE destroyed_packets (
    envelope_id TEXT NOT NULL PRIMARY KEY REFERENCES envelopes (envelope_id),
    purge_id TEXT NOT NULL REFERENCES purges (purge_id),
    line TEXT NOT NULL
);
CREATE INDEX destroyed_packets_of_purge ON destroyed_packets (purge_id, envelope_id);
