-- +goose Up
-- Several providers; what a payment attempt looked like, for the rules against fraud (hashes under the instance's key).
ALTER TABLE checkouts DROP CONSTRAINT checkouts_provider_known;
ALTER TABLE checkouts ADD CONSTRAINT checkouts_provider_known CHECK (provider IN ('stripe', 'paypal', 'none'));
ALTER TABLE checkouts
    ADD COLUMN kind                text     NOT NULL DEFAULT 'page' CONSTRAINT checkouts_kind_known CHECK (kind IN ('page', 'intent')), -- who shows the card form: the provider, or an integrator
    ADD COLUMN refunded_seen_minor bigint   NOT NULL DEFAULT 0, -- the highest sum that an event told without naming refunds
    ADD COLUMN client_ip           text     NOT NULL DEFAULT '', -- hash of the address
    ADD COLUMN client_net          text     NOT NULL DEFAULT '', -- hash of its network: /24, or /48
    ADD COLUMN client_browser      text     NOT NULL DEFAULT '', -- hash of a first-party cookie
    ADD COLUMN client_country      char(2),
    ADD COLUMN card_fingerprint    text     NOT NULL DEFAULT '',
    ADD COLUMN card_country        char(2);

ALTER TABLE orders
    ADD COLUMN disputed_minor     bigint      NOT NULL DEFAULT 0, -- withdrawn and not given back
    ADD COLUMN disputed_net_minor bigint      NOT NULL DEFAULT 0, -- the creator's part of it
    ADD COLUMN refunding_minor    bigint      NOT NULL DEFAULT 0, -- asked of the provider, not answered yet
    ADD COLUMN matured_at         timestamptz, -- its money went from pending to available
    ADD COLUMN held_at            timestamptz, -- its money is held
    ADD COLUMN held_why           text        NOT NULL DEFAULT '',
    ADD COLUMN review             text        NOT NULL DEFAULT '' CONSTRAINT orders_review_known CHECK (review IN ('', 'open', 'approved', 'refused')),
    ADD COLUMN risk_score         int         NOT NULL DEFAULT 0,
    ADD COLUMN keep_access        bool        NOT NULL DEFAULT false; -- downloads stay although all is given back
ALTER TABLE orders DROP CONSTRAINT orders_refunded_range;
ALTER TABLE orders ADD CONSTRAINT orders_refunded_range CHECK (refunded_minor >= 0 AND disputed_minor >= 0 AND refunding_minor >= 0
    AND refunded_minor + disputed_minor <= total_minor AND refunded_net_minor BETWEEN 0 AND net_minor AND refunded_net_minor + disputed_net_minor BETWEEN 0 AND net_minor);
CREATE INDEX orders_maturing ON orders (paid_at) WHERE matured_at IS NULL AND paid_at IS NOT NULL AND NOT test;
CREATE INDEX orders_review_open ON orders (paid_at) WHERE review = 'open';
CREATE INDEX checkouts_card ON checkouts (card_fingerprint, created_at) WHERE card_fingerprint <> '';
CREATE INDEX checkouts_email ON checkouts (email, created_at);

-- What providers say they gave back; a refund that failed is ours again.
CREATE TABLE payment_refunds (
    provider     text        NOT NULL,
    ref          text        NOT NULL, -- the provider's number
    checkout_id  uuid        NOT NULL CONSTRAINT payment_refunds_checkout_fkey REFERENCES checkouts,
    order_id     uuid        CONSTRAINT payment_refunds_order_fkey REFERENCES orders, -- null: shared by all orders of the payment
    request_id   uuid,
    currency     char(3)     NOT NULL,
    amount_minor bigint      NOT NULL CONSTRAINT payment_refunds_amount_positive CHECK (amount_minor > 0),
    state        text        NOT NULL CONSTRAINT payment_refunds_state_known CHECK (state IN ('pending', 'succeeded', 'failed')),
    failure      text        NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT payment_refunds_pkey PRIMARY KEY (provider, ref)
);
CREATE INDEX payment_refunds_checkout ON payment_refunds (checkout_id);

-- What providers say was disputed. The sums only grow; a status goes back only between won and lost.
CREATE TABLE payment_disputes (
    provider         text        NOT NULL,
    ref              text        NOT NULL,
    checkout_id      uuid        NOT NULL CONSTRAINT payment_disputes_checkout_fkey REFERENCES checkouts,
    reason           text        NOT NULL,
    status           text        NOT NULL CONSTRAINT payment_disputes_status_known CHECK (status IN ('inquiry', 'needs_response', 'under_review', 'won', 'lost', 'closed')),
    currency         char(3)     NOT NULL,
    amount_minor     bigint      NOT NULL,
    withdrawn_minor  bigint      NOT NULL DEFAULT 0,
    reinstated_minor bigint      NOT NULL DEFAULT 0,
    due_at           timestamptz,
    opened_at        timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    CONSTRAINT payment_disputes_pkey PRIMARY KEY (provider, ref)
);
CREATE INDEX payment_disputes_checkout ON payment_disputes (checkout_id);

-- The providers' accounts, line by line, as they told us. A fee is booked with the line that brings it.
CREATE TABLE provider_movements (
    provider     text        NOT NULL,
    ref          text        NOT NULL,
    kind         text        NOT NULL CONSTRAINT provider_movements_kind_known CHECK (kind IN ('charge', 'refund', 'dispute', 'payout', 'other')),
    intent       text        NOT NULL DEFAULT '',
    source       text        NOT NULL DEFAULT '',
    payout_id    uuid,
    currency     char(3)     NOT NULL,
    amount_minor bigint      NOT NULL,
    fee_currency char(3)     NOT NULL,
    fee_minor    bigint      NOT NULL,
    at           timestamptz NOT NULL,
    available_at timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL,
    CONSTRAINT provider_movements_pkey PRIMARY KEY (provider, ref)
);
CREATE INDEX provider_movements_intent ON provider_movements (intent) WHERE intent <> '';
CREATE INDEX provider_movements_at ON provider_movements (provider, at);
