-- Notices by mail: what is to be sent waits here, so that a mail server that is away loses none and delays nothing else.

-- A notice for one address. `once` says what it tells of and to whom: the same is never told twice. While it is on its
-- way, due_at is the end of its lease.
CREATE TABLE mails (
    mail_id TEXT NOT NULL PRIMARY KEY,
    once TEXT NOT NULL,
    address TEXT NOT NULL,
    notice TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at TIMESTAMP NOT NULL,
    lease_owner TEXT,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    CONSTRAINT mail_is_sent_once UNIQUE (once),
    CONSTRAINT mail_state_known CHECK (state IN ('waiting', 'sent', 'failed')),
    CONSTRAINT mail_ends_when_it_waits_no_more CHECK ((state = 'waiting') = (finished_at IS NULL))
);
CREATE INDEX mails_waiting ON mails (due_at, mail_id) WHERE state = 'waiting';
CREATE INDEX mails_by_end ON mails (finished_at);

-- What senders and the operator are told of is looked up by its time.
CREATE INDEX evidence_of_refusals ON evidence (at) WHERE event = 'SubmissionRejection';
CREATE INDEX evidence_of_failures ON evidence (at) WHERE event = 'ContentConsignmentFailure';
