-- Operators see what nobody has fetched: what was fetched and is not confirmed yet is not gone through for that.
CREATE INDEX deliveries_unfetched ON deliveries (recipient_code, accepted_at)
WHERE state = 'consigned' AND fetched_at IS NULL AND via IS NULL;
