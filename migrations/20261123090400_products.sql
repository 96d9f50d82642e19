-- +goose Up
CREATE TABLE products (
    id           uuid        NOT NULL CONSTRAINT products_pkey PRIMARY KEY,
    shop_id      uuid        NOT NULL CONSTRAINT products_shop_fkey REFERENCES shops,
    creator_id   uuid        NOT NULL CONSTRAINT products_creator_fkey REFERENCES users,
    slug         citext      NOT NULL CONSTRAINT products_slug_form CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,78}[a-z0-9])?$'),
    name         text        NOT NULL CONSTRAINT products_name_length CHECK (char_length(name) BETWEEN 1 AND 120),
    summary      text        NOT NULL DEFAULT '' CONSTRAINT products_summary_length CHECK (char_length(summary) <= 160),
    description  text        NOT NULL DEFAULT '' CONSTRAINT products_description_length CHECK (char_length(description) <= 20000),
    product_type text        NOT NULL CONSTRAINT products_type_known CHECK (product_type IN ('digital')),
    price_minor  bigint      NOT NULL CONSTRAINT products_price_range CHECK (price_minor BETWEEN 0 AND 99999999),
    currency     char(3)     NOT NULL CONSTRAINT products_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
    cover_id     uuid        CONSTRAINT products_cover_fkey REFERENCES files,
    cover_alt    text        NOT NULL DEFAULT '' CONSTRAINT products_cover_alt_length CHECK (char_length(cover_alt) <= 250),
    is_active    bool        NOT NULL DEFAULT false,
    archived_at  timestamptz,
    v            int         NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT products_slug_unique UNIQUE (shop_id, slug)
);
CREATE INDEX products_creator ON products (creator_id, created_at);

CREATE TABLE product_files (
    product_id uuid        NOT NULL CONSTRAINT product_files_product_fkey REFERENCES products,
    file_id    uuid        NOT NULL CONSTRAINT product_files_file_fkey REFERENCES files,
    creator_id uuid        NOT NULL,
    pos        int         NOT NULL,
    created_at timestamptz NOT NULL,
    removed_at timestamptz, -- buyers of before keep what they bought
    CONSTRAINT product_files_pkey PRIMARY KEY (product_id, file_id)
);

-- Limited stock, one row a limited product; a product without a row is unlimited.
CREATE TABLE stock (
    product_id uuid        NOT NULL CONSTRAINT stock_pkey PRIMARY KEY CONSTRAINT stock_product_fkey REFERENCES products,
    shop_id    uuid        NOT NULL,
    creator_id uuid        NOT NULL,
    available  int         NOT NULL CONSTRAINT stock_not_negative CHECK (available >= 0),
    updated_at timestamptz NOT NULL
);
-- Copies set aside for a checkout: held until it is paid (sold) or over (released).
CREATE TABLE holds (
    id          uuid        NOT NULL CONSTRAINT holds_pkey PRIMARY KEY,
    checkout_id uuid        NOT NULL,
    product_id  uuid        NOT NULL CONSTRAINT holds_product_fkey REFERENCES products,
    creator_id  uuid        NOT NULL,
    quantity    int         NOT NULL CONSTRAINT holds_quantity_positive CHECK (quantity > 0),
    expires_at  timestamptz NOT NULL,
    sold_at     timestamptz,
    released_at timestamptz,
    created_at  timestamptz NOT NULL,
    CONSTRAINT holds_checkout_product_unique UNIQUE (checkout_id, product_id),
    CONSTRAINT holds_one_end CHECK (sold_at IS NULL OR released_at IS NULL)
);
CREATE INDEX holds_open ON holds (expires_at) WHERE sold_at IS NULL AND released_at IS NULL;
