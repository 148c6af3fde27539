-- In the portal two administrators give keys, wider access and secrets of endpoints; an agency knows those below it and who will follow it.

-- What is to be given: a JSON object that names a system, or the agency of an endpoint.
CREATE TABLE grants (
    grant_id TEXT NOT NULL PRIMARY KEY,
    gift TEXT NOT NULL,
    -- The system or the agency.
    holder TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    proposed_by TEXT NOT NULL REFERENCES users (user_id),
    proposed_at TIMESTAMP NOT NULL,
    decided_by TEXT REFERENCES users (user_id),
    decided_at TIMESTAMP,
    -- Until when it may be decided; once it is, until when the secret may be taken.
    expires_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    CONSTRAINT grants_state CHECK (state IN ('proposed', 'running', 'done', 'refused', 'stopped', 'lapsed')),
    -- Nobody agrees to its own proposal.
    CONSTRAINT grants_two_people CHECK (decided_by IS NULL OR decided_by <> proposed_by),
    -- Nothing is given that nobody agreed to.
    CONSTRAINT grants_agreed CHECK (state NOT IN ('running', 'done') OR decided_by IS NOT NULL)
);
CREATE INDEX grants_open ON grants (holder, grant_id) WHERE ended_at IS NULL;

-- Who takes over after the last day of an agency that is not closed; once it is, `successor_code` says so.
ALTER TABLE agencies ADD COLUMN merges_into TEXT CONSTRAINT merged_only_when_it_ends CHECK (merges_into IS NULL OR valid_until IS NOT NULL);

CREATE INDEX agencies_by_parent ON agencies (parent_code, agency_code);
