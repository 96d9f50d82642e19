-- +goose Up
-- Addresses that products had before: they lead to the present one.
CREATE TABLE product_slugs (
    shop_id    uuid        NOT NULL,
    slug       text        NOT NULL,
    product_id uuid        NOT NULL CONSTRAINT product_slugs_product_fkey REFERENCES products,
    created_at timestamptz NOT NULL,
    CONSTRAINT product_slugs_pkey PRIMARY KEY (shop_id, slug)
);
CREATE INDEX product_slugs_product ON product_slugs (product_id);
