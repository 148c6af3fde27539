-- Evidence stays; its ledger is made anew by the next up, with other checkpoints.
DROP TRIGGER evidence_waits_to_be_sealed ON evidence;
DROP FUNCTION let_evidence_wait;
DROP TABLE checkpoints;
DROP TABLE ledger_tiles;
DROP TABLE ledger_entries;
DROP FUNCTION refuse_ledger_change;
DROP TABLE unsealed;
