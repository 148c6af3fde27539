-- Accounts that nobody uses are suspended; one that was let in again is not by the next round.
ALTER TABLE users ADD COLUMN resumed_at TIMESTAMP;
