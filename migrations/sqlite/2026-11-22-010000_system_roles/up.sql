-- Systems have a role, can be suspended and be bound to addresses; a key tells when it was last used.

-- Administration may change the directory and the systems, and holds no agency. The role never changes.
ALTER TABLE systems ADD COLUMN role TEXT NOT NULL DEFAULT 'exchange'
    CONSTRAINT system_role_known CHECK (role IN ('exchange', 'administration'));
ALTER TABLE systems ADD COLUMN suspended_at TIMESTAMP;
ALTER TABLE system_keys ADD COLUMN last_used_at TIMESTAMP;

-- From where a system may call: addresses or ranges such as 10.1.0.0/16. None means from everywhere.
CREATE TABLE system_addresses (
    system_id TEXT NOT NULL REFERENCES systems (system_id),
    address TEXT NOT NULL,
    PRIMARY KEY (system_id, address)
) WITHOUT ROWID;
