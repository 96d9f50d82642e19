-- +goose Up
ALTER TABLE blocks
    DROP CONSTRAINT blocks_kind_known,
    ADD CONSTRAINT blocks_kind_known CHECK (kind IN ('header', 'product', 'grid', 'link', 'contact', 'scheduler', 'text', 'image', 'gallery', 'video', 'social', 'divider', 'faq', 'quote', 'embed')),
    ADD COLUMN visible_from  timestamptz,
    ADD COLUMN visible_until timestamptz,
    ADD CONSTRAINT blocks_hours_in_order CHECK (visible_until > visible_from);
CREATE INDEX blocks_pictures ON blocks USING gin ((props -> 'pictures') jsonb_path_ops) WHERE props ? 'pictures';

-- What was done to a draft, with what it takes to undo it. A step that is undone stays until something new is
-- done, so that it can be done again.
CREATE TABLE page_ops (
    shop_id    uuid        NOT NULL CONSTRAINT page_ops_shop_fkey REFERENCES shops,
    seq        bigint      NOT NULL, -- the draft's, when it was done
    creator_id uuid        NOT NULL,
    verb       text        NOT NULL CONSTRAINT page_ops_verb_short CHECK (length(verb) BETWEEN 1 AND 100),
    kind       text        NOT NULL, -- of the block, empty for none
    name       text        NOT NULL, -- what the block was called, empty for none
    step       text        NOT NULL, -- neighbours with the same one are undone together; empty for none
    change     jsonb       NOT NULL,
    undone_at  timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT page_ops_pkey PRIMARY KEY (shop_id, seq)
);
CREATE INDEX page_ops_age ON page_ops (updated_at);

-- The whole draft as it was: before the first change in ten minutes, and whenever it was published.
CREATE TABLE drafts (
    id         uuid        NOT NULL CONSTRAINT drafts_pkey PRIMARY KEY,
    shop_id    uuid        NOT NULL CONSTRAINT drafts_shop_fkey REFERENCES shops,
    creator_id uuid        NOT NULL,
    seq        bigint      NOT NULL,
    version_id uuid        CONSTRAINT drafts_version_fkey REFERENCES versions, -- null: it was not published then
    content    jsonb       NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX drafts_shop ON drafts (shop_id, id);
