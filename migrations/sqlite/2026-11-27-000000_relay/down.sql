-- Neighbours and routes are lost; what waits for a neighbour has failed.
UPDATE deliveries SET state = 'failed' WHERE state = 'pending' AND via IS NOT NULL;
DELETE FROM pushes WHERE endpoint_id LIKE 'relay:%';
DELETE FROM announcements WHERE endpoint_id LIKE 'relay:%';
DELETE FROM endpoints WHERE kind = 'relay';
ALTER TABLE deliveries DROP COLUMN came_as;
ALTER TABLE deliveries DROP COLUMN hops;
ALTER TABLE deliveries DROP COLUMN via;
DROP TABLE routes;
DELETE FROM system_keys WHERE system_id IN (SELECT system_id FROM systems WHERE role = 'hub');
DELETE FROM system_addresses WHERE system_id IN (SELECT system_id FROM systems WHERE role = 'hub');
DELETE FROM systems WHERE role = 'hub';
ALTER TABLE systems ADD COLUMN role_kept TEXT;
UPDATE systems SET role_kept = role;
ALTER TABLE systems DROP COLUMN role;
ALTER TABLE systems ADD COLUMN role TEXT NOT NULL DEFAULT 'exchange'
    CONSTRAINT system_role_known CHECK (role IN ('exchange', 'administration'));
UPDATE systems SET role = role_kept;
ALTER TABLE systems DROP COLUMN role_kept;
