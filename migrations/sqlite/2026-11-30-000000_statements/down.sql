DROP TABLE statements;
DROP TABLE closed_days;
