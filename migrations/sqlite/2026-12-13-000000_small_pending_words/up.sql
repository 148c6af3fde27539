-- Words that wait to be put into the full-text index: a matter of the other database. Here nothing waits.
SELECT 1;
