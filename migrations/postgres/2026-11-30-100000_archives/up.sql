-- Exports of archives: what was asked for and by whom, how far each is, and what it came to.

-- `request` names selection and cut-off: the same request gives the same bytes. The file is in the data directory; it is
-- whole once the state is `done`. A node makes it under a lease.
CREATE TABLE archives (
    archive_id TEXT NOT NULL PRIMARY KEY,
    request TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_at TIMESTAMP NOT NULL,
    state TEXT NOT NULL,
    lease_owner TEXT,
    lease_until TIMESTAMP,
    done BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    manifest TEXT NOT NULL,
    evidence_id TEXT,
    reason TEXT NOT NULL,
    finished_at TIMESTAMP,
    CONSTRAINT archive_state_is_known CHECK (state IN ('waiting', 'running', 'done', 'failed'))
);
CREATE INDEX archives_open ON archives (archive_id) WHERE finished_at IS NULL;
CREATE INDEX archives_of_manifest ON archives (manifest) WHERE evidence_id IS NOT NULL;
