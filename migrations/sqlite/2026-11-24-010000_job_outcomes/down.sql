-- The runs themselves are kept.
DROP INDEX job_runs_by_end;
ALTER TABLE job_runs DROP COLUMN reason;
ALTER TABLE job_runs DROP COLUMN done;
ALTER TABLE job_runs DROP COLUMN outcome;
ALTER TABLE job_runs DROP COLUMN started_at;
