-- +goose Up
ALTER TABLE shops
    DROP CONSTRAINT shops_header_known,
    ADD CONSTRAINT shops_header_known CHECK (header_style IN ('awning', 'plain', 'board', 'plate', 'centred')),
    ADD COLUMN lettering  text NOT NULL DEFAULT 'sign'   CONSTRAINT shops_lettering_known CHECK (lettering IN ('sign', 'sans', 'serif', 'slab', 'rounded', 'mono')),
    ADD COLUMN spacing    text NOT NULL DEFAULT 'normal' CONSTRAINT shops_spacing_known CHECK (spacing IN ('airy', 'normal', 'tight')),
    ADD COLUMN background text NOT NULL DEFAULT 'plain'  CONSTRAINT shops_background_known CHECK (background IN ('plain', 'tint', 'stripes', 'dots', 'squares', 'paper')),
    ADD COLUMN custom_css text NOT NULL DEFAULT ''       CONSTRAINT shops_css_short CHECK (octet_length(custom_css) <= 20000);
