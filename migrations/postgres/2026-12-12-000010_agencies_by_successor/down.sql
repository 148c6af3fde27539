DROP INDEX agencies_by_merger;
