-- Nothing but the timeline uses them.
DROP INDEX evidence_by_envelope;
DROP INDEX evidence_by_delivery;
