-- What is held becomes due again.
UPDATE pushes SET due_at = '1970-01-01 00:00:00' WHERE held;
DROP INDEX deliveries_failed;
ALTER TABLE pushes DROP COLUMN held;
