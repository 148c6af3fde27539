-- Small packets stay in their row, and none is compressed: most of a packet is an attachment in base64 that hardly shrinks.
-- Affects new rows only; nothing is rewritten.
ALTER TABLE payloads ALTER COLUMN content SET STORAGE EXTERNAL;
ALTER TABLE payloads SET (toast_tuple_target = 8160);
