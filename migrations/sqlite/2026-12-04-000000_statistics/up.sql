-- Numbers of what is exchanged are kept as it happens, so that no page has to read the register for them.

-- Up to which index of the ledger those have come who follow it. What a follower makes is made anew from the ledger when its
-- position is set to 0, so that it is neither backed up nor restored.
CREATE TABLE followers (
    follower TEXT NOT NULL PRIMARY KEY,
    ledger_index BIGINT NOT NULL
);
INSERT INTO followers (follower, ledger_index) SELECT 'search', ledger_index FROM search_position;
INSERT INTO followers (follower, ledger_index) VALUES ('statistics', 0);
DROP TABLE search_position;

-- How much there is of what happened to packets that were accepted on a day: of the hub, of an agency on one side, or of two.
CREATE TABLE statistic_counts (
    scope TEXT NOT NULL,
    day TEXT NOT NULL,
    agency_code TEXT NOT NULL,
    slice TEXT NOT NULL,
    what TEXT NOT NULL,
    partner_code TEXT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (scope, day, agency_code, slice, what, partner_code)
) WITHOUT ROWID;

-- When an agency was last heard of, by what it did.
CREATE TABLE agency_signs (
    sign TEXT NOT NULL,
    agency_code TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    PRIMARY KEY (sign, agency_code)
);
CREATE INDEX agency_signs_by_age ON agency_signs (sign, at);

-- How many agencies take part is counted along this.
CREATE INDEX agencies_by_state ON agencies (state, agency_code);

-- Months whose numbers do not change any more: when, and how much of the ledger they tell of.
CREATE TABLE frozen_months (
    month TEXT NOT NULL PRIMARY KEY,
    frozen_at TIMESTAMP NOT NULL,
    ledger_size BIGINT NOT NULL
);

-- Their numbers; the day is the month. They are put here before the month is noted above.
CREATE TABLE frozen_counts (
    scope TEXT NOT NULL,
    day TEXT NOT NULL,
    agency_code TEXT NOT NULL,
    slice TEXT NOT NULL,
    what TEXT NOT NULL,
    partner_code TEXT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (scope, day, agency_code, slice, what, partner_code)
) WITHOUT ROWID;
