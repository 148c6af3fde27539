DROP TABLE frozen_counts;
DROP TABLE frozen_months;
DROP INDEX agencies_by_state;
DROP TABLE agency_signs;
DROP TABLE statistic_counts;
CREATE TABLE search_position (
    only_row INTEGER NOT NULL PRIMARY KEY,
    ledger_index BIGINT NOT NULL,
    CONSTRAINT search_position_only_row CHECK (only_row = 1)
);
INSERT INTO search_position (only_row, ledger_index) SELECT 1, ledger_index FROM followers WHERE follower = 'search';
DROP TABLE followers;
