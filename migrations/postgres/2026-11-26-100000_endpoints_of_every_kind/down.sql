-- Endpoints and pushes of other kinds than agencies' are lost.
DELETE FROM pushes WHERE endpoint_id NOT LIKE 'agency:%';
UPDATE pushes SET endpoint_id = substr(endpoint_id, 8);
ALTER TABLE pushes RENAME COLUMN endpoint_id TO recipient_code;
ALTER TABLE pushes RENAME COLUMN push_id TO delivery_id;
ALTER TABLE pushes ADD CONSTRAINT pushes_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES deliveries (delivery_id);

DELETE FROM endpoints WHERE kind <> 'agency';
ALTER TABLE endpoints DROP CONSTRAINT endpoint_is_named_by_its_holder;
ALTER TABLE endpoints DROP CONSTRAINT endpoints_pkey;
ALTER TABLE endpoints DROP COLUMN endpoint_id;
ALTER TABLE endpoints DROP COLUMN kind;
ALTER TABLE endpoints RENAME COLUMN holder TO agency_code;
ALTER TABLE endpoints ADD CONSTRAINT endpoints_pkey PRIMARY KEY (agency_code);
ALTER TABLE endpoints ADD CONSTRAINT endpoints_agency_code_fkey FOREIGN KEY (agency_code) REFERENCES agencies (agency_code);
