-- Operators see which nodes work: each tells now and then that it is there. Of no use elsewhere, so neither copied nor restored.
CREATE TABLE nodes (
    node_id TEXT NOT NULL PRIMARY KEY,
    host TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    seen_at TIMESTAMP NOT NULL
);
