-- +goose Up
-- Money that somebody here has asked a provider to give back. What providers say of it is in payment_refunds.
CREATE TABLE refunds (
    id           uuid        NOT NULL CONSTRAINT refunds_pkey PRIMARY KEY, -- the provider's idempotency key is refund-<id>
    form_key     text        NOT NULL CONSTRAINT refunds_form_key_unique UNIQUE, -- one form, one refund
    inputs       bytea       NOT NULL, -- hash of what the form asked for
    order_id     uuid        NOT NULL CONSTRAINT refunds_order_fkey REFERENCES orders,
    checkout_id  uuid        NOT NULL,
    shop_id      uuid        NOT NULL,
    creator_id   uuid        NOT NULL CONSTRAINT refunds_creator_fkey REFERENCES users,
    currency     char(3)     NOT NULL,
    amount_minor bigint      NOT NULL CONSTRAINT refunds_amount_positive CHECK (amount_minor > 0),
    reason       text        NOT NULL CONSTRAINT refunds_reason_known CHECK (reason IN ('asked', 'broken', 'duplicate', 'mistake', 'goodwill', 'fraud', 'review')),
    note         text        NOT NULL DEFAULT '' CONSTRAINT refunds_note_length CHECK (char_length(note) <= 500),
    items        jsonb       NOT NULL DEFAULT '[]', -- which items and how many of each
    restock      bool        NOT NULL DEFAULT false,
    access       text        NOT NULL DEFAULT '' CONSTRAINT refunds_access_known CHECK (access IN ('', 'close', 'keep')),
    source       text        NOT NULL CONSTRAINT refunds_source_known CHECK (source IN ('creator', 'admin', 'risk')),
    by_user      uuid,
    state        text        NOT NULL CONSTRAINT refunds_state_known CHECK (state IN ('asked', 'sending', 'pending', 'succeeded', 'failed', 'refused')),
    ref          text        NOT NULL DEFAULT '', -- the provider's number
    trouble      text        NOT NULL DEFAULT '',
    sending_at   timestamptz, -- first call
    ended_at     timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE INDEX refunds_order ON refunds (order_id, created_at);
CREATE INDEX refunds_creator ON refunds (creator_id, created_at);
CREATE INDEX refunds_unfinished ON refunds (updated_at) WHERE state IN ('asked', 'sending');

-- What buyers ask for on their order's page.
CREATE TABLE refund_requests (
    id          uuid        NOT NULL CONSTRAINT refund_requests_pkey PRIMARY KEY,
    order_id    uuid        NOT NULL CONSTRAINT refund_requests_order_fkey REFERENCES orders,
    shop_id     uuid        NOT NULL,
    creator_id  uuid        NOT NULL,
    reason      text        NOT NULL CONSTRAINT refund_requests_reason_known CHECK (reason IN ('broken', 'not_as_described', 'duplicate', 'mistake', 'other')),
    message     text        NOT NULL DEFAULT '' CONSTRAINT refund_requests_message_length CHECK (char_length(message) <= 1000),
    state       text        NOT NULL CONSTRAINT refund_requests_state_known CHECK (state IN ('open', 'refunded', 'declined')),
    answer      text        NOT NULL DEFAULT '' CONSTRAINT refund_requests_answer_length CHECK (char_length(answer) <= 1000),
    answered_at timestamptz,
    created_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX refund_requests_open_unique ON refund_requests (order_id) WHERE state = 'open';
CREATE INDEX refund_requests_creator ON refund_requests (creator_id, state, created_at);
