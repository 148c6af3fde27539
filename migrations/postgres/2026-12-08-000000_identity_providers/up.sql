-- People may sign in to the portal by an identity provider (OpenID Connect) that an agency, or the whole province, has.
CREATE TABLE identity_providers (
    provider_id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    -- Sealed under the provider's id; nothing for a client without a secret.
    secret_sealed BYTEA,
    -- What the provider says of itself (OpenID Connect Discovery), as it was last asked.
    discovered TEXT NOT NULL,
    -- shown: each sign-in must say that a second factor was used. trusted: the provider always asks for one.
    second_factor TEXT NOT NULL,
    -- Only for people who look after this agency; nothing: for everybody.
    agency_code TEXT REFERENCES agencies (agency_code),
    suspended_at TIMESTAMP,
    CONSTRAINT identity_providers_second_factor CHECK (second_factor IN ('shown', 'trusted'))
);

-- Who somebody is for a provider. The subject never changes there; names and mail addresses do.
CREATE TABLE user_identities (
    provider_id TEXT NOT NULL REFERENCES identity_providers (provider_id),
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (user_id),
    PRIMARY KEY (provider_id, subject)
);
CREATE UNIQUE INDEX user_identities_by_user ON user_identities (user_id, provider_id);

-- By which provider a session was opened; nothing: by password.
ALTER TABLE user_sessions ADD COLUMN provider_id TEXT;
