-- Children before parents.
DROP TABLE attempts;
DROP TABLE pushes;
DROP TABLE endpoints;
ALTER TABLE agencies DROP COLUMN channel;
