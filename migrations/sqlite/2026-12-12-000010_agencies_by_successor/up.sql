-- Whoever looks at an agency sees which ones plan to merge into it.

CREATE INDEX agencies_by_merger ON agencies (merges_into, agency_code) WHERE merges_into IS NOT NULL;
