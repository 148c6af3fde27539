-- Their files are gone all the same.
DROP INDEX archives_of_purge;
DROP INDEX archives_whole;
ALTER TABLE archives DROP COLUMN destroyed_at;
ALTER TABLE archives DROP COLUMN purge_id;
