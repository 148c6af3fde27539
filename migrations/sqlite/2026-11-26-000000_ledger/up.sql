-- The ledger: evidence is sealed into a Merkle tree, and the tree's head is signed.

-- Evidence that has no place in the ledger yet. A trigger puts it here in the transaction of the event, whoever writes
-- it: a node of an older version, which knows of no ledger, too. What commits late is found all the same.
CREATE TABLE unsealed (
    evidence_id TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;
CREATE TRIGGER evidence_waits_to_be_sealed AFTER INSERT ON evidence
BEGIN INSERT INTO unsealed (evidence_id) VALUES (NEW.evidence_id); END;
INSERT INTO unsealed (evidence_id) SELECT evidence_id FROM evidence;

-- Which evidence stands where, without gaps, and the entry that was hashed for it (docs/ledger.md).
CREATE TABLE ledger_entries (
    ledger_index BIGINT NOT NULL PRIMARY KEY,
    evidence_id TEXT NOT NULL,
    entry BLOB NOT NULL,
    CONSTRAINT evidence_is_sealed_once UNIQUE (evidence_id)
) WITHOUT ROWID;
CREATE TRIGGER ledger_entry_is_never_changed BEFORE UPDATE ON ledger_entries
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_entry_is_never_deleted BEFORE DELETE ON ledger_entries
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

-- The tree in tiles of 256 hashes; the last of each level grows.
CREATE TABLE ledger_tiles (
    level INTEGER NOT NULL,
    number BIGINT NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, number)
);

-- Signed heads. The newest one is the head; of older ones, the last of each minute stays. Who signed it goes on sealing
-- until it is old (a lease).
CREATE TABLE checkpoints (
    tree_size BIGINT NOT NULL PRIMARY KEY,
    signed_at TIMESTAMP NOT NULL,
    sealed_by TEXT NOT NULL,
    note TEXT NOT NULL
) WITHOUT ROWID;
