-- Archives of samples are limited by warrant: how many were asked for under it.
ALTER TABLE warrants ADD COLUMN exports BIGINT NOT NULL DEFAULT 0;
