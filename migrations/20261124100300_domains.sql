-- +goose Up
-- The domain that a shop is shown at: written only when its creator has proved that it is theirs.
ALTER TABLE shops
    ADD COLUMN domain text CONSTRAINT shops_domain_unique UNIQUE
        CONSTRAINT shops_domain_form CHECK (length(domain) <= 253 AND domain ~ '^[a-z0-9-]+(\.[a-z0-9-]+)+$');

-- What domain a creator says is theirs. Two may say so of one; only one is shown there.
CREATE TABLE domains (
    shop_id       uuid        NOT NULL CONSTRAINT domains_pkey PRIMARY KEY CONSTRAINT domains_shop_fkey REFERENCES shops,
    creator_id    uuid        NOT NULL,
    domain        text        NOT NULL CONSTRAINT domains_domain_form CHECK (length(domain) <= 253 AND domain ~ '^[a-z0-9-]+(\.[a-z0-9-]+)+$'),
    token         text        NOT NULL, -- the TXT record's text
    state         text        NOT NULL CONSTRAINT domains_state_known CHECK (state IN ('waiting', 'verified', 'failed')),
    reason        text        NOT NULL DEFAULT '', -- why it is not verified, or what is the matter since failing_since
    checked_at    timestamptz,
    verified_at   timestamptz,
    failing_since timestamptz, -- of a verified one whose proof is no longer found
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT domains_verified_whole CHECK (state <> 'verified' OR verified_at IS NOT NULL),
    CONSTRAINT domains_failing_verified CHECK (failing_since IS NULL OR state = 'verified')
);
CREATE INDEX domains_domain ON domains (domain);
CREATE INDEX domains_due ON domains (checked_at NULLS FIRST) WHERE state <> 'failed';
CREATE UNIQUE INDEX domains_verified_once ON domains (domain) WHERE state = 'verified';
