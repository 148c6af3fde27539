ALTER TABLE envelopes DROP COLUMN bears_signature;
ALTER TABLE envelopes DROP COLUMN paper_follows;
