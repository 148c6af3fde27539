DROP TABLE receipts;
DROP FUNCTION refuse_receipt_change;
DROP TABLE certificates;
