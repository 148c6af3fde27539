DROP TABLE reconciliations;
DROP FUNCTION refuse_reconciliation_change;
