-- Operators hold deliveries that wait to be pushed, and start anew what has failed.

-- Whether an operator holds it: it stands in line but never becomes due.
ALTER TABLE pushes ADD COLUMN held BOOLEAN NOT NULL DEFAULT FALSE;

-- What has failed for a recipient, which is little beside what has not.
CREATE INDEX deliveries_failed ON deliveries (recipient_code, delivery_id) WHERE state = 'failed';
