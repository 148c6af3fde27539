DROP INDEX agencies_by_parent;
ALTER TABLE agencies DROP COLUMN merges_into;
DROP TABLE grants;
