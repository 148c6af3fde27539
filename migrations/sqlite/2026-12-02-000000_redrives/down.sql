DROP TABLE redriven_deliveries;
DROP TABLE redrives;
DROP TABLE failures;
