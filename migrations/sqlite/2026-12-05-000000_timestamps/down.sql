DELETE FROM witnesses WHERE witness = 'time-stamp authority';
DROP TABLE timestamps;
