DROP TABLE receipts;
DROP TABLE certificates;
