-- Daily statements: what went from one agency to another on a day, and which days are closed.

-- Days that are closed, each with the evidence of it, the list of its statements, and where the ledger goes on after it.
CREATE TABLE closed_days (
    day TEXT NOT NULL PRIMARY KEY,
    evidence_id TEXT NOT NULL,
    next_index BIGINT NOT NULL,
    list TEXT NOT NULL
);

-- One statement for a pair of agencies and a day, with the list of what was sent; its digest stands in the evidence.
CREATE TABLE statements (
    evidence_id TEXT NOT NULL PRIMARY KEY,
    day TEXT NOT NULL,
    sender_code TEXT NOT NULL,
    recipient_code TEXT NOT NULL,
    sent BIGINT NOT NULL,
    list TEXT NOT NULL,
    CONSTRAINT a_pair_has_one_statement_a_day UNIQUE (day, sender_code, recipient_code)
);
CREATE INDEX statements_by_sender ON statements (sender_code, evidence_id);
CREATE INDEX statements_by_recipient ON statements (recipient_code, evidence_id);
CREATE FUNCTION refuse_statement_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'statements are append-only'; END $$;
CREATE TRIGGER statement_is_never_changed BEFORE UPDATE ON statements
FOR EACH ROW EXECUTE FUNCTION refuse_statement_change();
CREATE TRIGGER statement_is_never_deleted BEFORE DELETE ON statements
FOR EACH ROW EXECUTE FUNCTION refuse_statement_change();
