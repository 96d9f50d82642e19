-- +goose Up
-- The second step of signing in: a shared secret for an authenticator app, sealed with a key derived from SECRET_KEY.
-- Until confirmed_at it protects nothing: it was shown, and no code of it has been typed yet.
CREATE TABLE two_factors (
    user_id       uuid        NOT NULL CONSTRAINT two_factors_pkey PRIMARY KEY CONSTRAINT two_factors_user_fkey REFERENCES users,
    secret        bytea       NOT NULL,
    created_at    timestamptz NOT NULL,
    confirmed_at  timestamptz,
    last_step     bigint      NOT NULL DEFAULT 0, -- the 30 seconds whose code was taken last: it and all before are used up
    failures      int         NOT NULL DEFAULT 0, -- wrong codes in a row
    blocked_until timestamptz
);

-- Ten codes for when the app is out of reach, each good once, kept as keyed hashes.
CREATE TABLE recovery_codes (
    user_id    uuid        NOT NULL CONSTRAINT recovery_codes_user_fkey REFERENCES users,
    hash       bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    used_at    timestamptz,
    CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, hash)
);
