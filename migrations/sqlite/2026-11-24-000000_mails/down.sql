-- What waits is not sent any more.
DROP INDEX evidence_of_failures;
DROP INDEX evidence_of_refusals;
DROP TABLE mails;
