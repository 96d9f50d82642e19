-- +goose Up
-- What a creator brings from elsewhere: read, chosen from, taken.
CREATE TABLE imports (
    id         uuid        NOT NULL CONSTRAINT imports_pkey PRIMARY KEY,
    shop_id    uuid        NOT NULL CONSTRAINT imports_shop_fkey REFERENCES shops,
    creator_id uuid        NOT NULL,
    url        text        NOT NULL CONSTRAINT imports_url_length CHECK (length(url) <= 2000),      -- empty for a file
    file       text        NOT NULL CONSTRAINT imports_file_length CHECK (char_length(file) <= 255), -- its name; empty for an address
    state      text        NOT NULL CONSTRAINT imports_state_known CHECK (state IN ('reading', 'failed', 'found', 'taken')),
    failure    text        NOT NULL DEFAULT '', -- a sentence of the catalogue
    found      jsonb,                           -- what was read, until it is taken
    report     jsonb,                           -- what became of each thing of it
    undo_seq   bigint      NOT NULL DEFAULT 0,  -- the step of the history that takes it back; 0 for none
    people     int         NOT NULL DEFAULT 0,  -- how many came into the audience
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT imports_found_when_read CHECK (state <> 'found' OR found IS NOT NULL),
    CONSTRAINT imports_report_when_taken CHECK (state <> 'taken' OR report IS NOT NULL)
);
CREATE INDEX imports_shop ON imports (shop_id, id);
CREATE INDEX imports_open ON imports (updated_at) WHERE state <> 'taken';

-- What has come from where, so that the same thing does not come twice.
CREATE TABLE import_records (
    shop_id    uuid        NOT NULL CONSTRAINT import_records_shop_fkey REFERENCES shops,
    scope      text        NOT NULL,
    key        text        NOT NULL,
    print      text        NOT NULL, -- of what it said
    block_id   uuid,
    product_id uuid        CONSTRAINT import_records_product_fkey REFERENCES products,
    import_id  uuid        NOT NULL CONSTRAINT import_records_import_fkey REFERENCES imports,
    updated_at timestamptz NOT NULL,
    CONSTRAINT import_records_pkey PRIMARY KEY (shop_id, scope, key)
);

-- Pictures on their way into our bucket.
CREATE TABLE import_pictures (
    file_id    uuid        NOT NULL CONSTRAINT import_pictures_pkey PRIMARY KEY CONSTRAINT import_pictures_file_fkey REFERENCES files,
    import_id  uuid        NOT NULL CONSTRAINT import_pictures_import_fkey REFERENCES imports,
    creator_id uuid        NOT NULL,
    url        text        NOT NULL,
    size       bigint      NOT NULL DEFAULT 0,
    state      text        NOT NULL CONSTRAINT import_pictures_state_known CHECK (state IN ('waiting', 'fetched', 'failed')),
    failure    text        NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX import_pictures_import ON import_pictures (import_id);

-- People whom a shop may write to, and how it came by their address.
CREATE TABLE audience_members (
    id         uuid        NOT NULL CONSTRAINT audience_members_pkey PRIMARY KEY,
    shop_id    uuid        NOT NULL CONSTRAINT audience_members_shop_fkey REFERENCES shops,
    creator_id uuid        NOT NULL,
    email      citext      NOT NULL CONSTRAINT audience_members_email_length CHECK (length(email) BETWEEN 3 AND 254),
    name       text        NOT NULL CONSTRAINT audience_members_name_length CHECK (char_length(name) <= 80),
    consent    text        NOT NULL CONSTRAINT audience_members_consent_length CHECK (char_length(consent) BETWEEN 1 AND 160), -- in the words of the source
    since      date,
    import_id  uuid        CONSTRAINT audience_members_import_fkey REFERENCES imports,
    created_at timestamptz NOT NULL,
    CONSTRAINT audience_members_once UNIQUE (shop_id, email)
);
CREATE INDEX audience_members_import ON audience_members (import_id);
