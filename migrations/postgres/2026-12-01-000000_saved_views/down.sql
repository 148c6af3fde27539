-- Forgets the filters of people; nothing else knows of them.
DROP TABLE saved_views;
