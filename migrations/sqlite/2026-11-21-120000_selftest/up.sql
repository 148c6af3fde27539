-- The self-test: runs of a system's agency with partners that the hub plays, what happened in them beyond the
-- register, and how they ended.

-- One run. Cases are two-digit codes with commas between; the certificate is kept as it was issued.
CREATE TABLE selftest_runs (
    run_id TEXT NOT NULL PRIMARY KEY,
    system_id TEXT NOT NULL REFERENCES systems (system_id),
    agency_code TEXT NOT NULL REFERENCES agencies (agency_code),
    case_set TEXT NOT NULL,
    cases TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    ends_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    certificate TEXT,
    CONSTRAINT selftest_certificate_only_when_finished CHECK (certificate IS NULL OR finished_at IS NOT NULL)
) WITHOUT ROWID;
-- An agency has one run at a time.
CREATE UNIQUE INDEX selftest_live_run ON selftest_runs (agency_code) WHERE finished_at IS NULL;
CREATE INDEX selftest_live_runs ON selftest_runs (run_id) WHERE finished_at IS NULL;
CREATE INDEX selftest_runs_by_agency ON selftest_runs (agency_code, started_at);

-- What happened to packets for the partners and leaves no row elsewhere: that one came, came again, was refused, was
-- answered badly on purpose, or was confirmed as failed.
CREATE TABLE selftest_marks (
    mark_id TEXT NOT NULL PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES selftest_runs (run_id),
    case_code TEXT NOT NULL,
    what TEXT NOT NULL,
    envelope_id TEXT,
    detail TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    CONSTRAINT selftest_mark_known CHECK (
        what IN ('accepted', 'repeated', 'refused', 'failed', 'too-many', 'unavailable', 'lost')
    )
) WITHOUT ROWID;
CREATE INDEX selftest_marks_by_run ON selftest_marks (run_id, mark_id);

-- How each case of a finished run ended.
CREATE TABLE selftest_results (
    run_id TEXT NOT NULL REFERENCES selftest_runs (run_id),
    case_code TEXT NOT NULL,
    verdict TEXT NOT NULL,
    reason_vi TEXT NOT NULL,
    reason_en TEXT NOT NULL,
    judged_at TIMESTAMP NOT NULL,
    PRIMARY KEY (run_id, case_code),
    CONSTRAINT selftest_verdict_known CHECK (verdict IN ('passed', 'failed'))
) WITHOUT ROWID;
