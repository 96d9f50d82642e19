-- +goose Up
ALTER TABLE shops
    ADD COLUMN deleted_at timestamptz, -- its address is kept from others for ninety days; orders and money stay
    ADD COLUMN create_key text CONSTRAINT shops_create_key_length CHECK (length(create_key) <= 200),
    ADD CONSTRAINT shops_deleted_closed CHECK (deleted_at IS NULL OR closed_at IS NOT NULL);
CREATE UNIQUE INDEX shops_create_key_once ON shops (creator_id, create_key);
CREATE INDEX shops_deleted ON shops (deleted_at) WHERE deleted_at IS NOT NULL;
