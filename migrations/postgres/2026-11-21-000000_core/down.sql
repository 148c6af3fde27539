-- Children before parents. The evidence goes with its table; triggers go with it too.
DROP TABLE job_runs;
DROP TABLE evidence;
DROP FUNCTION refuse_evidence_change;
DROP TABLE status_reports;
DROP TABLE document_links;
DROP TABLE deliveries;
DROP TABLE attachments;
DROP TABLE payloads;
DROP TABLE envelopes;
DROP TABLE system_keys;
DROP TABLE system_agencies;
DROP TABLE systems;
DROP TABLE agency_aliases;
DROP TABLE agencies;
