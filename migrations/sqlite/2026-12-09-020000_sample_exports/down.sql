ALTER TABLE warrants DROP COLUMN exports;
