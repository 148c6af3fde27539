-- Reconciliations: what differed between the list that a system kept of a day and what was sealed of it. The digest stands in the
-- evidence.
CREATE TABLE reconciliations (
    evidence_id TEXT NOT NULL PRIMARY KEY,
    agency_code TEXT NOT NULL,
    list TEXT NOT NULL
);
CREATE FUNCTION refuse_reconciliation_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'reconciliations are append-only'; END $$;
CREATE TRIGGER reconciliation_is_never_changed BEFORE UPDATE ON reconciliations
FOR EACH ROW EXECUTE FUNCTION refuse_reconciliation_change();
CREATE TRIGGER reconciliation_is_never_deleted BEFORE DELETE ON reconciliations
FOR EACH ROW EXECUTE FUNCTION refuse_reconciliation_change();
