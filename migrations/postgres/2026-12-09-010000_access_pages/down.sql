DROP INDEX accesses_by_act;
DROP INDEX accesses_by_who;
DROP INDEX accesses_by_time;
ALTER TABLE accesses DROP COLUMN document_at;
