DROP INDEX agencies_by_version;
DROP TABLE directory;
ALTER TABLE agencies DROP COLUMN valid_until;
ALTER TABLE agencies DROP COLUMN valid_from;
