-- Small packets stay in their row: SQLite keeps them so already.
SELECT 1;
