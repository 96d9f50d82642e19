-- +goose Up
-- How a dispute is answered. Its money is in payment_disputes.
CREATE TABLE disputes (
    id           uuid        NOT NULL CONSTRAINT disputes_pkey PRIMARY KEY,
    provider     text        NOT NULL,
    ref          text        NOT NULL, -- the provider's number
    checkout_id  uuid        NOT NULL CONSTRAINT disputes_checkout_fkey REFERENCES checkouts,
    order_id     uuid        NOT NULL CONSTRAINT disputes_order_fkey REFERENCES orders, -- the one whose creator answers
    shop_id      uuid        NOT NULL,
    creator_id   uuid        NOT NULL CONSTRAINT disputes_creator_fkey REFERENCES users,
    reason       text        NOT NULL,
    status       text        NOT NULL CONSTRAINT disputes_status_known CHECK (status IN ('inquiry', 'needs_response', 'under_review', 'won', 'lost', 'closed')),
    currency     char(3)     NOT NULL,
    amount_minor bigint      NOT NULL,
    due_at       timestamptz,
    opened_at    timestamptz NOT NULL,
    answer       text        NOT NULL CONSTRAINT disputes_answer_known CHECK (answer IN ('drafting', 'sending', 'sent', 'accepting', 'accepted', 'failed')),
    automatic    bool        NOT NULL DEFAULT false, -- nobody pressed Send: the time was over
    words        text        NOT NULL DEFAULT '' CONSTRAINT disputes_words_length CHECK (char_length(words) <= 3000),
    refusal      text        NOT NULL DEFAULT '' CONSTRAINT disputes_refusal_length CHECK (char_length(refusal) <= 3000),
    trouble      text        NOT NULL DEFAULT '',
    sending_at   timestamptz,
    answered_at  timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT disputes_ref_unique UNIQUE (provider, ref)
);
CREATE INDEX disputes_creator ON disputes (creator_id, opened_at DESC, id);
CREATE INDEX disputes_order ON disputes (order_id);
CREATE INDEX disputes_unfinished ON disputes (answer) WHERE answer IN ('drafting', 'sending', 'accepting');

-- Pictures and PDFs that go with the answer, one of a kind.
CREATE TABLE dispute_files (
    dispute_id   uuid        NOT NULL CONSTRAINT dispute_files_dispute_fkey REFERENCES disputes,
    kind         text        NOT NULL CONSTRAINT dispute_files_kind_known CHECK (kind IN ('delivery', 'policy', 'other')),
    creator_id   uuid        NOT NULL,
    name         text        NOT NULL CONSTRAINT dispute_files_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
    content_type text        NOT NULL,
    body         bytea       NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT dispute_files_pkey PRIMARY KEY (dispute_id, kind)
);
