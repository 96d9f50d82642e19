-- +goose Up
-- Archives of shops that are brought in.
CREATE TABLE arrivals (
    id         uuid        NOT NULL CONSTRAINT arrivals_pkey PRIMARY KEY,
    shop_id    uuid        NOT NULL CONSTRAINT arrivals_shop_fkey REFERENCES shops,
    creator_id uuid        NOT NULL,
    file_id    uuid        NOT NULL CONSTRAINT arrivals_file_fkey REFERENCES files,
    show       bool        NOT NULL, -- publish what was published
    state      text        NOT NULL CONSTRAINT arrivals_state_known CHECK (state IN ('waiting', 'there', 'failed')),
    failure    text        NOT NULL DEFAULT '', -- a sentence of the catalogue, filled in
    report     jsonb,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT arrivals_report_when_there CHECK (state <> 'there' OR report IS NOT NULL)
);
CREATE INDEX arrivals_shop ON arrivals (shop_id, id);
