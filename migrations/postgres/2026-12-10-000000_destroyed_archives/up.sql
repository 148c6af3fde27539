-- An archive that holds a content which is destroyed goes with it: by which purge its file went, and when. The row stays.
ALTER TABLE archives ADD COLUMN purge_id TEXT;
ALTER TABLE archives ADD COLUMN destroyed_at TIMESTAMP;
-- Those that may hold contents.
CREATE INDEX archives_whole ON archives (archive_id) WHERE state = 'done' AND purge_id IS NULL;
CREATE INDEX archives_of_purge ON archives (purge_id, archive_id);
