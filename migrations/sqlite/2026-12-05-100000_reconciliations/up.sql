-- Reconciliations: what differed between the list that a system kept of a day and what was sealed of it. The digest stands in the
-- evidence.
CREATE TABLE reconciliations (
    evidence_id TEXT NOT NULL PRIMARY KEY,
    agency_code TEXT NOT NULL,
    list TEXT NOT NULL
);
CREATE TRIGGER reconciliation_is_never_changed BEFORE UPDATE ON reconciliations
BEGIN SELECT RAISE(ABORT, 'reconciliations are append-only'); END;
CREATE TRIGGER reconciliation_is_never_deleted BEFORE DELETE ON reconciliations
BEGIN SELECT RAISE(ABORT, 'reconciliations are append-only'); END;
