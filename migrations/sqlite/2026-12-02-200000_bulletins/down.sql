DROP TABLE bulletin_agencies;
DROP TABLE bulletins;
