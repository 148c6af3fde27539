DROP TABLE statements;
DROP FUNCTION refuse_statement_change;
DROP TABLE closed_days;
