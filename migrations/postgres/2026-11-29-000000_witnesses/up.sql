-- Witnesses: who cosigns the heads of this ledger, and the last head of each ledger that this hub cosigned.

-- The line that a witness put under a head. The head stays as long as it is here.
CREATE TABLE cosignatures (
    tree_size BIGINT NOT NULL,
    witness TEXT NOT NULL,
    cosigned_at TIMESTAMP NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (tree_size, witness)
);

-- How each witness that is asked is doing. A node that asks moves due_at to the end of its lease; well_at is when the witness
-- last cosigned, or was first to be asked.
CREATE TABLE witnesses (
    witness TEXT NOT NULL PRIMARY KEY,
    tree_size BIGINT NOT NULL,
    failures INTEGER NOT NULL,
    due_at TIMESTAMP NOT NULL,
    well_at TIMESTAMP NOT NULL,
    trouble TEXT NOT NULL
);

-- Ledgers that this hub witnesses: the largest head of each that it cosigned and, if it refused one since, that one.
CREATE TABLE watched_ledgers (
    origin TEXT NOT NULL PRIMARY KEY,
    tree_size BIGINT NOT NULL,
    root BYTEA NOT NULL,
    grown_at TIMESTAMP NOT NULL,
    refused TEXT NULL
);
