-- +goose Up
-- Buyers are known by their address; they have no password.
CREATE TABLE buyers (
    id         uuid        NOT NULL CONSTRAINT buyers_pkey PRIMARY KEY,
    email      citext      NOT NULL CONSTRAINT buyers_email_unique UNIQUE,
    created_at timestamptz NOT NULL
);

-- One payment. It owns the idempotency key of the provider's call and covers one to many orders, one a shop.
CREATE TABLE checkouts (
    id                uuid        NOT NULL CONSTRAINT checkouts_pkey PRIMARY KEY, -- the provider's idempotency key is checkout-<id>
    client_key        text        NOT NULL CONSTRAINT checkouts_client_key_unique UNIQUE, -- one form, one checkout
    inputs            bytea       NOT NULL, -- hash of what the form asked for
    token_hash        bytea       NOT NULL CONSTRAINT checkouts_token_unique UNIQUE,
    buyer_id          uuid        NOT NULL CONSTRAINT checkouts_buyer_fkey REFERENCES buyers,
    email             citext      NOT NULL,
    currency          char(3)     NOT NULL,
    total_minor       bigint      NOT NULL CONSTRAINT checkouts_total_not_negative CHECK (total_minor >= 0),
    provider          text        NOT NULL CONSTRAINT checkouts_provider_known CHECK (provider IN ('stripe', 'none')),
    status            text        NOT NULL CONSTRAINT checkouts_status_known CHECK (status IN ('open', 'processing', 'paid', 'expired')),
    session_id        text        CONSTRAINT checkouts_session_unique UNIQUE,
    session_url       text        NOT NULL DEFAULT '',
    attempt           int         NOT NULL DEFAULT 0,  -- counts sessions that were asked for and, as a look-up showed, never made
    statement         text        NOT NULL DEFAULT '', -- the shop's name as the buyer's bank shows it
    payment_intent_id text        CONSTRAINT checkouts_payment_intent_unique UNIQUE,
    test              bool        NOT NULL DEFAULT false,
    consented_at      timestamptz, -- immediate delivery, right of withdrawal given up
    locale            text        NOT NULL DEFAULT 'en',
    expires_at        timestamptz NOT NULL,
    paid_at           timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL
);
CREATE INDEX checkouts_unfinished ON checkouts (expires_at) WHERE status IN ('open', 'processing');

CREATE TABLE orders (
    id                 uuid        NOT NULL CONSTRAINT orders_pkey PRIMARY KEY,
    checkout_id        uuid        NOT NULL CONSTRAINT orders_checkout_fkey REFERENCES checkouts,
    shop_id            uuid        NOT NULL CONSTRAINT orders_shop_fkey REFERENCES shops,
    creator_id         uuid        NOT NULL CONSTRAINT orders_creator_fkey REFERENCES users,
    buyer_id           uuid        NOT NULL CONSTRAINT orders_buyer_fkey REFERENCES buyers,
    number             int, -- given when paid; runs per shop without gaps
    token_hash         bytea       NOT NULL CONSTRAINT orders_token_unique UNIQUE,
    status             text        NOT NULL CONSTRAINT orders_status_known CHECK (status IN ('pending', 'processing', 'paid', 'partly_refunded', 'refunded', 'expired')),
    test               bool        NOT NULL DEFAULT false,
    email              citext      NOT NULL,
    currency           char(3)     NOT NULL,
    subtotal_minor     bigint      NOT NULL,
    discount_minor     bigint      NOT NULL DEFAULT 0,
    tax_minor          bigint      NOT NULL DEFAULT 0,
    shipping_minor     bigint      NOT NULL DEFAULT 0,
    total_minor        bigint      NOT NULL,
    fee_minor          bigint      NOT NULL,
    net_minor          bigint      NOT NULL,
    fee_version        int         NOT NULL,
    refunded_minor     bigint      NOT NULL DEFAULT 0,
    refunded_net_minor bigint      NOT NULL DEFAULT 0, -- the creator's part of it
    provider           text        NOT NULL,
    payment_intent_id  text,
    charge_id          text,
    risk_level         text        NOT NULL DEFAULT '',
    paid_at            timestamptz,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    CONSTRAINT orders_shop_number_unique UNIQUE (shop_id, number),
    CONSTRAINT orders_sum CHECK (total_minor = subtotal_minor - discount_minor + tax_minor + shipping_minor AND total_minor = fee_minor + net_minor),
    CONSTRAINT orders_refunded_range CHECK (refunded_minor BETWEEN 0 AND total_minor AND refunded_net_minor BETWEEN 0 AND net_minor)
);
CREATE INDEX orders_shop ON orders (shop_id, paid_at DESC, id DESC) WHERE paid_at IS NOT NULL;
CREATE INDEX orders_creator ON orders (creator_id, created_at);
CREATE INDEX orders_checkout ON orders (checkout_id);
CREATE INDEX orders_buyer ON orders (buyer_id, created_at);

CREATE TABLE order_items (
    id             uuid    NOT NULL CONSTRAINT order_items_pkey PRIMARY KEY,
    order_id       uuid    NOT NULL CONSTRAINT order_items_order_fkey REFERENCES orders,
    shop_id        uuid    NOT NULL,
    creator_id     uuid    NOT NULL,
    product_id     uuid    NOT NULL CONSTRAINT order_items_product_fkey REFERENCES products,
    name           text    NOT NULL,
    unit_minor     bigint  NOT NULL,
    quantity       int     NOT NULL CONSTRAINT order_items_quantity_range CHECK (quantity BETWEEN 1 AND 99),
    discount_minor bigint  NOT NULL DEFAULT 0,
    tax_minor      bigint  NOT NULL DEFAULT 0,
    shipping_minor bigint  NOT NULL DEFAULT 0,
    total_minor    bigint  NOT NULL,
    currency       char(3) NOT NULL,
    CONSTRAINT order_items_sum CHECK (total_minor = unit_minor * quantity - discount_minor + tax_minor + shipping_minor)
);
CREATE INDEX order_items_order ON order_items (order_id);

CREATE TABLE order_counters (
    shop_id uuid NOT NULL CONSTRAINT order_counters_pkey PRIMARY KEY CONSTRAINT order_counters_shop_fkey REFERENCES shops,
    last    int  NOT NULL
);

-- What an order lets its buyer have.
CREATE TABLE entitlements (
    id         uuid        NOT NULL CONSTRAINT entitlements_pkey PRIMARY KEY,
    order_id   uuid        NOT NULL CONSTRAINT entitlements_order_fkey REFERENCES orders,
    item_id    uuid        NOT NULL CONSTRAINT entitlements_item_unique UNIQUE CONSTRAINT entitlements_item_fkey REFERENCES order_items,
    product_id uuid        NOT NULL,
    creator_id uuid        NOT NULL,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX entitlements_order ON entitlements (order_id);

CREATE TABLE downloads (
    entitlement_id uuid        NOT NULL CONSTRAINT downloads_entitlement_fkey REFERENCES entitlements,
    file_id        uuid        NOT NULL CONSTRAINT downloads_file_fkey REFERENCES files,
    creator_id     uuid        NOT NULL,
    count          int         NOT NULL,
    day            date        NOT NULL,
    day_count      int         NOT NULL,
    last_at        timestamptz NOT NULL,
    CONSTRAINT downloads_pkey PRIMARY KEY (entitlement_id, file_id)
);

-- Which mails an order has caused, so that a job that runs twice sends one. The lease is held while sending.
CREATE TABLE order_mails (
    order_id    uuid        NOT NULL CONSTRAINT order_mails_order_fkey REFERENCES orders,
    kind        text        NOT NULL CONSTRAINT order_mails_kind_known CHECK (kind IN ('receipt', 'sale', 'refund')),
    cause       text        NOT NULL, -- empty for the first; the request of a resend; the sum refunded so far
    creator_id  uuid        NOT NULL,
    lease_until timestamptz NOT NULL,
    sent_at     timestamptz,
    refused_at  timestamptz, -- the receiving server will never take it
    CONSTRAINT order_mails_pkey PRIMARY KEY (order_id, kind, cause)
);

-- Links to /my, sent by mail.
CREATE TABLE library_links (
    hash       bytea       NOT NULL CONSTRAINT library_links_pkey PRIMARY KEY,
    buyer_id   uuid        NOT NULL CONSTRAINT library_links_buyer_fkey REFERENCES buyers,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE webhook_inbox (
    id          uuid        NOT NULL CONSTRAINT webhook_inbox_pkey PRIMARY KEY,
    provider    text        NOT NULL,
    event_id    text        NOT NULL,
    type        text        NOT NULL,
    body        bytea       NOT NULL,
    received_at timestamptz NOT NULL,
    applied_at  timestamptz,
    outcome     text        NOT NULL DEFAULT '',
    CONSTRAINT webhook_inbox_event_unique UNIQUE (provider, event_id)
);
CREATE INDEX webhook_inbox_waiting ON webhook_inbox (received_at) WHERE applied_at IS NULL;

-- What a person must look at: sums that differ, refusals that should not be.
CREATE TABLE money_cases (
    id         uuid        NOT NULL CONSTRAINT money_cases_pkey PRIMARY KEY,
    key        text        NOT NULL CONSTRAINT money_cases_key_unique UNIQUE,
    what       text        NOT NULL,
    details    jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    closed_at  timestamptz
);

-- Messages from the contact block.
CREATE TABLE messages (
    id         uuid        NOT NULL CONSTRAINT messages_pkey PRIMARY KEY,
    shop_id    uuid        NOT NULL CONSTRAINT messages_shop_fkey REFERENCES shops,
    creator_id uuid        NOT NULL,
    name       text        NOT NULL CONSTRAINT messages_name_length CHECK (char_length(name) <= 100),
    email      citext      NOT NULL,
    body       text        NOT NULL CONSTRAINT messages_body_length CHECK (char_length(body) BETWEEN 1 AND 5000),
    mailed_at  timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX messages_shop ON messages (shop_id, created_at, id);
