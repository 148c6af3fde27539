DROP TABLE neighbour_receipts;
DROP TABLE neighbour_keys;
