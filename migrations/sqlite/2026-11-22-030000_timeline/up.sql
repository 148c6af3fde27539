-- The timeline of a document asks for the evidence of an envelope and of its deliveries; each piece stands in one of both indexes.
CREATE INDEX evidence_by_delivery ON evidence (delivery_id, evidence_id) WHERE delivery_id IS NOT NULL;
CREATE INDEX evidence_by_envelope ON evidence (envelope_id, evidence_id) WHERE delivery_id IS NULL AND envelope_id IS NOT NULL;
