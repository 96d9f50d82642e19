-- +goose Up
CREATE TABLE shops (
    id                   uuid        NOT NULL CONSTRAINT shops_pkey PRIMARY KEY,
    creator_id           uuid        NOT NULL CONSTRAINT shops_creator_fkey REFERENCES users,
    name                 text        NOT NULL CONSTRAINT shops_name_length CHECK (char_length(name) BETWEEN 1 AND 80),
    slug                 citext      NOT NULL CONSTRAINT shops_slug_unique UNIQUE CONSTRAINT shops_slug_form CHECK (slug ~ '^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$'),
    theme                text        NOT NULL DEFAULT 'daylight' CONSTRAINT shops_theme_known CHECK (theme IN ('daylight', 'afterhours', 'house')),
    brand_color          text        NOT NULL DEFAULT '#2637c4' CONSTRAINT shops_color_form CHECK (brand_color ~ '^#[0-9a-f]{6}$'),
    header_style         text        NOT NULL DEFAULT 'awning' CONSTRAINT shops_header_known CHECK (header_style IN ('awning', 'plain')),
    currency             char(3)     NOT NULL CONSTRAINT shops_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
    closed_at            timestamptz,
    closed_reason        text        NOT NULL DEFAULT '',
    published_version_id uuid,
    published_at         timestamptz,
    draft_seq            bigint      NOT NULL DEFAULT 1, -- counts every change of the draft
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    CONSTRAINT shops_published_whole CHECK ((published_version_id IS NULL) = (published_at IS NULL))
);
CREATE INDEX shops_creator ON shops (creator_id, created_at);
CREATE INDEX shops_published ON shops (published_at) WHERE published_version_id IS NOT NULL;

CREATE TABLE slug_history (
    slug       citext      NOT NULL CONSTRAINT slug_history_pkey PRIMARY KEY,
    shop_id    uuid        NOT NULL CONSTRAINT slug_history_shop_fkey REFERENCES shops,
    created_at timestamptz NOT NULL
);

-- What was published: the page's content as it was at that moment.
CREATE TABLE versions (
    id          uuid        NOT NULL CONSTRAINT versions_pkey PRIMARY KEY,
    shop_id     uuid        NOT NULL CONSTRAINT versions_shop_fkey REFERENCES shops,
    creator_id  uuid        NOT NULL,
    previous_id uuid        CONSTRAINT versions_previous_fkey REFERENCES versions, -- what was shown before; taking back a publish returns to it
    seq         bigint      NOT NULL, -- the draft_seq that was published
    content     jsonb       NOT NULL,
    created_at  timestamptz NOT NULL
);
CREATE INDEX versions_shop ON versions (shop_id, created_at);
CREATE TRIGGER versions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON versions
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();

CREATE TABLE blocks (
    id         uuid        NOT NULL CONSTRAINT blocks_pkey PRIMARY KEY,
    shop_id    uuid        NOT NULL CONSTRAINT blocks_shop_fkey REFERENCES shops,
    creator_id uuid        NOT NULL,
    kind       text        NOT NULL CONSTRAINT blocks_kind_known CHECK (kind IN ('header', 'product', 'link', 'contact')),
    props      jsonb       NOT NULL,
    pos        bigint      NOT NULL, -- with gaps, so that a move writes one row
    hidden     bool        NOT NULL DEFAULT false,
    v          int         NOT NULL DEFAULT 1,
    removed_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX blocks_shop ON blocks (shop_id, pos);
