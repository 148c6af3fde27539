-- Agencies that auditors had been given do not come back: whoever goes back gives them anew.
DROP TABLE accesses;
DROP TABLE sample_items;
DROP TABLE samples;
DROP TABLE warrant_agencies;
DROP TABLE warrants;
