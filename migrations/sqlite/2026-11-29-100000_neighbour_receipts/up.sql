-- What a neighbouring hub is known by beside its address, and the receipts that it signed for what it was brought.

-- The keys of its ledger and of it as a witness, and its certificates (PEM); empty where the operator gave none.
CREATE TABLE neighbour_keys (
    neighbour TEXT NOT NULL PRIMARY KEY,
    ledger_key TEXT NOT NULL,
    witness_key TEXT NOT NULL,
    certificates TEXT NOT NULL
);

-- The signed receipt under which a neighbour took a delivery, as it was verified.
CREATE TABLE neighbour_receipts (
    delivery_id TEXT NOT NULL PRIMARY KEY,
    neighbour TEXT NOT NULL,
    received_at TIMESTAMP NOT NULL,
    xml TEXT NOT NULL
);
CREATE TRIGGER neighbour_receipt_is_never_changed BEFORE UPDATE ON neighbour_receipts
BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;
CREATE TRIGGER neighbour_receipt_is_never_deleted BEFORE DELETE ON neighbour_receipts
BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;
