-- Not only agencies have endpoints, and not only deliveries are pushed: an endpoint has a kind and a holder, a push an id
-- of its own and the endpoint that it goes to.

-- The id is made of kind and holder, so that whoever puts something in line need not look it up.
ALTER TABLE endpoints DROP CONSTRAINT endpoints_agency_code_fkey;
ALTER TABLE endpoints DROP CONSTRAINT endpoints_pkey;
ALTER TABLE endpoints RENAME COLUMN agency_code TO holder;
ALTER TABLE endpoints ADD COLUMN kind TEXT NOT NULL DEFAULT 'agency';
ALTER TABLE endpoints ALTER COLUMN kind DROP DEFAULT;
ALTER TABLE endpoints ADD COLUMN endpoint_id TEXT;
UPDATE endpoints SET endpoint_id = kind || ':' || holder;
ALTER TABLE endpoints ADD CONSTRAINT endpoints_pkey PRIMARY KEY (endpoint_id);
ALTER TABLE endpoints ADD CONSTRAINT endpoint_is_named_by_its_holder CHECK (endpoint_id = kind || ':' || holder);

-- A delivery's id is its push's id too.
ALTER TABLE pushes DROP CONSTRAINT pushes_delivery_id_fkey;
ALTER TABLE pushes RENAME COLUMN delivery_id TO push_id;
ALTER TABLE pushes RENAME COLUMN recipient_code TO endpoint_id;
UPDATE pushes SET endpoint_id = 'agency:' || endpoint_id;
