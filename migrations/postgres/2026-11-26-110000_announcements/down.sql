-- Webhooks and what waits for them are lost.
DELETE FROM pushes WHERE endpoint_id LIKE 'events:%';
DELETE FROM endpoints WHERE kind = 'events';
DROP TABLE announcements;
DROP INDEX pushes_of_series;
ALTER TABLE pushes DROP COLUMN series;
ALTER TABLE endpoints DROP COLUMN replayed_at;
ALTER TABLE endpoints DROP COLUMN former_until;
ALTER TABLE endpoints DROP COLUMN former_sealed;
ALTER TABLE endpoints DROP COLUMN wants;
