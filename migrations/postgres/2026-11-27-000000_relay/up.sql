-- Packets are passed on to neighbouring hubs and taken from them.

-- A neighbouring hub is a system of its own role: it holds no agency, and sends for those to whom routes lead to it.
ALTER TABLE systems ADD COLUMN role_kept TEXT;
UPDATE systems SET role_kept = role;
ALTER TABLE systems DROP COLUMN role;
ALTER TABLE systems ADD COLUMN role TEXT NOT NULL DEFAULT 'exchange'
    CONSTRAINT system_role_known CHECK (role IN ('exchange', 'administration', 'hub'));
UPDATE systems SET role = role_kept;
ALTER TABLE systems DROP COLUMN role_kept;

-- Which agencies are behind which neighbour: an organ id, with all below it, or *.
CREATE TABLE routes (
    prefix TEXT NOT NULL PRIMARY KEY,
    neighbour TEXT NOT NULL REFERENCES systems (system_id),
    created_at TIMESTAMP NOT NULL
);

-- The neighbour that a delivery was put in line for, or that has it.
ALTER TABLE deliveries ADD COLUMN via TEXT;
-- Which hubs passed it on and when, when it came from one: the last of them is the neighbour that brought it.
ALTER TABLE deliveries ADD COLUMN hops TEXT;
-- The neighbour's own id of it.
ALTER TABLE deliveries ADD COLUMN came_as TEXT;
