-- The ledger: evidence is sealed into a Merkle tree, and the tree's head is signed.

-- Evidence that has no place in the ledger yet. A trigger puts it here in the transaction of the event, whoever writes
-- it: a node of an older version, which knows of no ledger, too. What commits late is found all the same. Rows come and
-- go: they are swept up often.
CREATE TABLE unsealed (
    evidence_id TEXT NOT NULL PRIMARY KEY
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
CREATE FUNCTION let_evidence_wait() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO unsealed (evidence_id) SELECT evidence_id FROM added; RETURN NULL; END $$;
CREATE TRIGGER evidence_waits_to_be_sealed AFTER INSERT ON evidence
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION let_evidence_wait();
INSERT INTO unsealed (evidence_id) SELECT evidence_id FROM evidence;

-- Which evidence stands where, without gaps, and the entry that was hashed for it (docs/ledger.md).
CREATE TABLE ledger_entries (
    ledger_index BIGINT NOT NULL PRIMARY KEY,
    evidence_id TEXT NOT NULL,
    entry BYTEA NOT NULL,
    CONSTRAINT evidence_is_sealed_once UNIQUE (evidence_id)
);
CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$;
CREATE TRIGGER ledger_entry_is_never_changed BEFORE UPDATE ON ledger_entries
FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
CREATE TRIGGER ledger_entry_is_never_deleted BEFORE DELETE ON ledger_entries
FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();

-- The tree in tiles of 256 hashes; the last of each level grows. Hashes cannot be compressed.
CREATE TABLE ledger_tiles (
    level INTEGER NOT NULL,
    number BIGINT NOT NULL,
    hashes BYTEA NOT NULL,
    PRIMARY KEY (level, number)
);
ALTER TABLE ledger_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- Signed heads. The newest one is the head; of older ones, the last of each minute stays. Who signed it goes on sealing
-- until it is old (a lease).
CREATE TABLE checkpoints (
    tree_size BIGINT NOT NULL PRIMARY KEY,
    signed_at TIMESTAMP NOT NULL,
    sealed_by TEXT NOT NULL,
    note TEXT NOT NULL
);
