-- One purge is open at a time, whoever proposes at the same moment. Where two were, a proposal gives way to what was agreed
-- on, and to an earlier proposal.
UPDATE purges SET state = 'lapsed', ended_at = expires_at
WHERE state = 'proposed' AND EXISTS (
    SELECT 1 FROM purges AS other WHERE other.ended_at IS NULL AND other.purge_id <> purges.purge_id
    AND (other.state <> 'proposed' OR other.purge_id < purges.purge_id)
);
CREATE UNIQUE INDEX purges_one_open ON purges ((ended_at IS NULL)) WHERE ended_at IS NULL;
