-- Who was let in again counts as unused since its last sign-in.
ALTER TABLE users DROP COLUMN resumed_at;
