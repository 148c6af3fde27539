DELETE FROM witnesses WHERE witness = 'time-stamp authority';
DROP TABLE timestamps;
DROP FUNCTION refuse_timestamp_change;
