-- +goose Up
CREATE TABLE users (
    id                uuid        NOT NULL CONSTRAINT users_pkey PRIMARY KEY,
    email             citext      NOT NULL CONSTRAINT users_email_unique UNIQUE,
    email_verified_at timestamptz,
    password_hash     text,
    name              text        NOT NULL DEFAULT '' CONSTRAINT users_name_length CHECK (char_length(name) <= 100),
    role              text        NOT NULL DEFAULT 'creator' CONSTRAINT users_role_known CHECK (role IN ('creator', 'admin')),
    locale            text        NOT NULL DEFAULT 'en',
    time_zone         text        NOT NULL DEFAULT 'UTC',
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    deleted_at        timestamptz
);

CREATE TABLE identities (
    provider   text        NOT NULL,
    subject    text        NOT NULL,
    user_id    uuid        NOT NULL CONSTRAINT identities_user_fkey REFERENCES users,
    email      citext      NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT identities_pkey PRIMARY KEY (provider, subject),
    CONSTRAINT identities_user_provider_unique UNIQUE (user_id, provider)
);

-- Six-digit codes and reset links, kept as hashes. One live row a person and purpose.
CREATE TABLE email_codes (
    user_id    uuid        NOT NULL CONSTRAINT email_codes_user_fkey REFERENCES users,
    purpose    text        NOT NULL CONSTRAINT email_codes_purpose_known CHECK (purpose IN ('verify', 'login', 'reset')),
    hash       bytea       NOT NULL,
    attempts   int         NOT NULL DEFAULT 0,
    sent_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT email_codes_pkey PRIMARY KEY (user_id, purpose)
);

CREATE TABLE sessions (
    token        text        NOT NULL CONSTRAINT sessions_pkey PRIMARY KEY, -- scs hands over the hash of the cookie
    user_id      uuid,
    data         bytea       NOT NULL,
    expires_at   timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL,
    user_agent   text        NOT NULL DEFAULT ''
);
CREATE INDEX sessions_user ON sessions (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX sessions_expires ON sessions (expires_at);

-- Refresh tokens of the API. A used token that comes back ends its whole family.
CREATE TABLE api_tokens (
    hash       bytea       NOT NULL CONSTRAINT api_tokens_pkey PRIMARY KEY,
    family     uuid        NOT NULL,
    user_id    uuid        NOT NULL CONSTRAINT api_tokens_user_fkey REFERENCES users,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX api_tokens_family ON api_tokens (family);
CREATE INDEX api_tokens_user ON api_tokens (user_id);
