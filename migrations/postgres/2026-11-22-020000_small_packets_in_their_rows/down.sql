ALTER TABLE payloads RESET (toast_tuple_target);
ALTER TABLE payloads ALTER COLUMN content SET STORAGE EXTENDED;
