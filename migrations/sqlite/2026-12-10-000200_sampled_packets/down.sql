-- The index goes.
DROP INDEX sample_items_of_packet;
