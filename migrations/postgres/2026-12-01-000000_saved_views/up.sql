-- Filters of the transfer log that people look at again and again, under a name.
CREATE TABLE saved_views (
    user_id TEXT NOT NULL REFERENCES users (user_id),
    name TEXT NOT NULL,
    asks TEXT NOT NULL,
    PRIMARY KEY (user_id, name)
);
