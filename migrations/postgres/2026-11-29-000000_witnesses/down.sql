DROP TABLE watched_ledgers;
DROP TABLE witnesses;
DROP TABLE cosignatures;
