DROP TABLE freed_codes;
