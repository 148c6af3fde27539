-- What is held becomes due again.
UPDATE pushes SET due_at = expires_at WHERE held;
DROP INDEX deliveries_failed;
ALTER TABLE pushes DROP COLUMN held;
