-- Pages of the access log are read along indexes, whatever is filtered: by time, by person, by what was done, by the document's day.

-- When the document was accepted that an access concerns.
ALTER TABLE accesses ADD COLUMN document_at TIMESTAMP;
UPDATE accesses SET document_at = (SELECT accepted_at FROM envelopes WHERE envelopes.envelope_id = accesses.envelope_id)
WHERE envelope_id IS NOT NULL;

CREATE INDEX accesses_by_time ON accesses (agency_code, at, evidence_id);
CREATE INDEX accesses_by_who ON accesses (agency_code, who, at, evidence_id);
CREATE INDEX accesses_by_act ON accesses (agency_code, act, at, evidence_id);
