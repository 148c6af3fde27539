-- The directory has one version, and each agency that of its last change: software synchronises by it.

-- Days of Vietnam, as YYYY-MM-DD, both included. Empty means without a beginning, or without an end.
ALTER TABLE agencies ADD COLUMN valid_from TEXT;
ALTER TABLE agencies ADD COLUMN valid_until TEXT;

-- One row. Who changes the directory bumps it first, so that versions become visible in their order.
CREATE TABLE directory (
    only_row INTEGER NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    CONSTRAINT directory_has_one_row CHECK (only_row = 1)
);

-- Until now each agency counted its own changes.
UPDATE agencies SET version = ordered.number
FROM (SELECT agency_code AS code, row_number() OVER (ORDER BY changed_at, agency_code) AS number FROM agencies) AS ordered
WHERE agencies.agency_code = ordered.code;
INSERT INTO directory (only_row, version) SELECT 1, count(*) FROM agencies;
CREATE INDEX agencies_by_version ON agencies (version);
