DROP TABLE system_addresses;
ALTER TABLE system_keys DROP COLUMN last_used_at;
ALTER TABLE systems DROP COLUMN suspended_at;
ALTER TABLE systems DROP COLUMN role;
