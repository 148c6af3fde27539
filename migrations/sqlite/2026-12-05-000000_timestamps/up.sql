-- Time-stamps (RFC 3161) over heads of the ledger. How asking for them goes stands in witnesses, under a name that no key has.

-- The token over the head of a tree of that size, with the time that it says. The head stays as long as it is here.
CREATE TABLE timestamps (
    tree_size BIGINT NOT NULL PRIMARY KEY,
    stamped_at TIMESTAMP NOT NULL,
    authority TEXT NOT NULL,
    token BLOB NOT NULL
);

CREATE TRIGGER timestamp_is_never_changed BEFORE UPDATE ON timestamps
BEGIN SELECT RAISE(ABORT, 'timestamps are append-only'); END;
CREATE TRIGGER timestamp_is_never_deleted BEFORE DELETE ON timestamps
BEGIN SELECT RAISE(ABORT, 'timestamps are append-only'); END;
