-- Signed receipts: the bytes as they were handed out, and every certificate under which one was signed.

-- Certificates stay for ever, so that whoever is shown an old receipt can be shown whose key signed it.
CREATE TABLE certificates (
    certificate_id TEXT NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL,
    begins_at TIMESTAMP NOT NULL,
    ends_at TIMESTAMP NOT NULL,
    der BYTEA NOT NULL
);

-- One receipt for a piece of evidence: who asks again is given the same bytes.
CREATE TABLE receipts (
    evidence_id TEXT NOT NULL PRIMARY KEY,
    certificate_id TEXT NOT NULL REFERENCES certificates (certificate_id),
    signed_at TIMESTAMP NOT NULL,
    xml TEXT NOT NULL
);
CREATE FUNCTION refuse_receipt_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'receipts are append-only'; END $$;
CREATE TRIGGER receipt_is_never_changed BEFORE UPDATE ON receipts
FOR EACH ROW EXECUTE FUNCTION refuse_receipt_change();
CREATE TRIGGER receipt_is_never_deleted BEFORE DELETE ON receipts
FOR EACH ROW EXECUTE FUNCTION refuse_receipt_change();
