-- A code that an agency gave up leads packets of whoever still writes it to the next one that takes it: it rests for a time.

-- One row for each code that led to an agency and leads nowhere now; it goes when an agency takes the code.
CREATE TABLE freed_codes (
    -- In upper case, as in agency_aliases.
    alias_folded TEXT NOT NULL PRIMARY KEY,
    alias TEXT NOT NULL,
    -- Who had it, and may take it back.
    agency_code TEXT NOT NULL REFERENCES agencies (agency_code),
    freed_at TIMESTAMP NOT NULL
);
CREATE INDEX freed_codes_by_time ON freed_codes (freed_at);
CREATE INDEX freed_codes_by_agency ON freed_codes (agency_code, alias_folded);
