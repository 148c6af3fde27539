-- Two may be open again.
DROP INDEX purges_one_open;
