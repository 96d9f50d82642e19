-- +goose Up
CREATE TABLE files (
    id           uuid        NOT NULL CONSTRAINT files_pkey PRIMARY KEY,
    creator_id   uuid        NOT NULL CONSTRAINT files_creator_fkey REFERENCES users,
    purpose      text        NOT NULL CONSTRAINT files_purpose_known CHECK (purpose IN ('product', 'image')),
    name         text        NOT NULL CONSTRAINT files_name_length CHECK (char_length(name) BETWEEN 1 AND 255),
    content_type text        NOT NULL,
    size         bigint      NOT NULL CONSTRAINT files_size_positive CHECK (size > 0),
    key          text        NOT NULL CONSTRAINT files_key_unique UNIQUE, -- quarantine/… until it has passed the check
    upload_id    text        NOT NULL DEFAULT '',
    part_size    bigint      NOT NULL DEFAULT 0,
    status       text        NOT NULL CONSTRAINT files_status_known CHECK (status IN ('uploading', 'checking', 'ready', 'refused')),
    reason       text        NOT NULL DEFAULT '',
    etag         text        NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL,
    used_at      timestamptz, -- since when something shows or sells it; what nobody ever used is swept
    ready_at     timestamptz,
    deleted_at   timestamptz  -- since when the bucket holds nothing of it
);
CREATE INDEX files_creator ON files (creator_id, created_at);
CREATE INDEX files_unfinished ON files (created_at) WHERE status IN ('uploading', 'checking');
CREATE INDEX files_unswept ON files (created_at) WHERE deleted_at IS NULL AND (status = 'refused' OR used_at IS NULL);

-- The sizes made of an image; every one is re-encoded by us.
CREATE TABLE image_sizes (
    file_id    uuid   NOT NULL CONSTRAINT image_sizes_file_fkey REFERENCES files,
    width      int    NOT NULL,
    height     int    NOT NULL,
    format     text   NOT NULL CONSTRAINT image_sizes_format_known CHECK (format IN ('jpeg', 'png', 'webp')),
    bytes      bigint NOT NULL,
    CONSTRAINT image_sizes_pkey PRIMARY KEY (file_id, format, width)
);
CREATE TABLE images (
    file_id    uuid NOT NULL CONSTRAINT images_pkey PRIMARY KEY CONSTRAINT images_file_fkey REFERENCES files,
    width      int  NOT NULL,
    height     int  NOT NULL,
    color      text NOT NULL -- average, shown until the picture has come
);
