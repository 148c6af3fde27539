-- An operator asks when a job last ran, how long it took and how it ended; old runs are removed by their end.
ALTER TABLE job_runs ADD COLUMN started_at TIMESTAMP;
-- '' until it ends, then 'done', 'failed' or 'skipped' (a later run was due already).
ALTER TABLE job_runs ADD COLUMN outcome TEXT NOT NULL DEFAULT '';
-- How many things it did.
ALTER TABLE job_runs ADD COLUMN done BIGINT NOT NULL DEFAULT 0;
-- Why it failed.
ALTER TABLE job_runs ADD COLUMN reason TEXT NOT NULL DEFAULT '';
CREATE INDEX job_runs_by_end ON job_runs (finished_at);
