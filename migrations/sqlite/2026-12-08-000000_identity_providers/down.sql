-- Sessions of people who came by a provider would lack a second factor of their own.
DELETE FROM user_sessions WHERE provider_id IS NOT NULL;
ALTER TABLE user_sessions DROP COLUMN provider_id;
DROP TABLE user_identities;
DROP TABLE identity_providers;
