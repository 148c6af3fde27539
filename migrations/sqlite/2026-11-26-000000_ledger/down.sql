-- Evidence stays; its ledger is made anew by the next up, with other checkpoints.
DROP TRIGGER evidence_waits_to_be_sealed;
DROP TABLE checkpoints;
DROP TABLE ledger_tiles;
DROP TABLE ledger_entries;
DROP TABLE unsealed;
