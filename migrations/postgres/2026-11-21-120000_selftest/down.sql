-- Children before parents.
DROP TABLE selftest_results;
DROP TABLE selftest_marks;
DROP TABLE selftest_runs;
