-- +goose Up
-- Pictures also come as AVIF, made after they are ready.
ALTER TABLE image_sizes
    DROP CONSTRAINT image_sizes_format_known,
    ADD CONSTRAINT image_sizes_format_known CHECK (format IN ('jpeg', 'png', 'webp', 'avif'));
