-- +goose Up
-- What was seen of payments and of tries to pay: one row for each key that a try shows. Keys are hashes under the
-- instance's secret, but for products; rows are deleted when they expire.
CREATE TABLE risk_signals (
    attempt    text        NOT NULL, -- the same try gives the same text, however often we hear of it
    kind       text        NOT NULL CONSTRAINT risk_signals_kind_known CHECK (kind IN ('card', 'email', 'browser', 'ip', 'net', 'product')),
    key        text        NOT NULL,
    outcome    text        NOT NULL CONSTRAINT risk_signals_outcome_known CHECK (outcome IN ('paid', 'free', 'failed')),
    card       text        NOT NULL DEFAULT '',
    email      text        NOT NULL DEFAULT '',
    code       text        NOT NULL DEFAULT '', -- why the bank refused
    at         timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT risk_signals_pkey PRIMARY KEY (attempt, kind, key)
);
CREATE INDEX risk_signals_key ON risk_signals (kind, key, at);
CREATE INDEX risk_signals_expires ON risk_signals (expires_at);

-- Every verdict of the rules, with all that they saw: it can be computed again at any time.
CREATE TABLE risk_decisions (
    id          uuid        NOT NULL CONSTRAINT risk_decisions_pkey PRIMARY KEY,
    key         text        NOT NULL CONSTRAINT risk_decisions_key_unique UNIQUE, -- order:<id>, or admit:<form>
    order_id    uuid        CONSTRAINT risk_decisions_order_fkey REFERENCES orders, -- null: refused before there was one
    checkout_id uuid,
    stage       text        NOT NULL CONSTRAINT risk_decisions_stage_known CHECK (stage IN ('admit', 'paid')),
    verdict     text        NOT NULL CONSTRAINT risk_decisions_verdict_known CHECK (verdict IN ('allowed', 'flagged', 'blocked')),
    rules       int         NOT NULL, -- version of the rule set
    inputs      jsonb       NOT NULL,
    reasons     jsonb       NOT NULL,
    created_at  timestamptz NOT NULL
);
CREATE INDEX risk_decisions_order ON risk_decisions (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX risk_decisions_verdict ON risk_decisions (verdict, created_at DESC);
CREATE INDEX risk_decisions_created ON risk_decisions (created_at DESC);
CREATE TRIGGER risk_decisions_append_only BEFORE UPDATE OR TRUNCATE ON risk_decisions
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- Who may not buy, and what is not for sale for a while.
CREATE TABLE risk_blocks (
    id         uuid        NOT NULL CONSTRAINT risk_blocks_pkey PRIMARY KEY,
    kind       text        NOT NULL CONSTRAINT risk_blocks_kind_known CHECK (kind IN ('card', 'email', 'browser', 'ip', 'net', 'product')),
    key        text        NOT NULL,
    why        text        NOT NULL, -- a code
    note       text        NOT NULL DEFAULT '',
    order_id   uuid,
    by_id      uuid, -- null: the rules
    until_at   timestamptz, -- null: for good
    created_at timestamptz NOT NULL,
    lifted_at  timestamptz,
    lifted_by  uuid,
    lifted_why text        NOT NULL DEFAULT '',
    CONSTRAINT risk_blocks_address_expires CHECK (kind NOT IN ('ip', 'net', 'product') OR until_at IS NOT NULL AND until_at <= created_at + interval '184 days')
);
CREATE UNIQUE INDEX risk_blocks_active_unique ON risk_blocks (kind, key) WHERE lifted_at IS NULL;
CREATE INDEX risk_blocks_created ON risk_blocks (created_at DESC, id DESC);

-- Orders that a person has to decide on.
CREATE TABLE risk_reviews (
    id           uuid        NOT NULL CONSTRAINT risk_reviews_pkey PRIMARY KEY,
    order_id     uuid        NOT NULL CONSTRAINT risk_reviews_order_unique UNIQUE CONSTRAINT risk_reviews_order_fkey REFERENCES orders,
    checkout_id  uuid        NOT NULL CONSTRAINT risk_reviews_checkout_fkey REFERENCES checkouts,
    shop_id      uuid        NOT NULL CONSTRAINT risk_reviews_shop_fkey REFERENCES shops,
    creator_id   uuid        NOT NULL CONSTRAINT risk_reviews_creator_fkey REFERENCES users,
    currency     char(3)     NOT NULL,
    stake_minor  bigint      NOT NULL, -- what the buyer has paid
    state        text        NOT NULL CONSTRAINT risk_reviews_state_known CHECK (state IN ('open', 'confirming', 'approved', 'refused')),
    opened_at    timestamptz NOT NULL,
    due_at       timestamptz NOT NULL, -- when the order is refunded if nobody has decided
    holds        int         NOT NULL DEFAULT 0 CONSTRAINT risk_reviews_holds_range CHECK (holds BETWEEN 0 AND 2),
    assignee_id  uuid,
    choice       text        NOT NULL DEFAULT '' CONSTRAINT risk_reviews_choice_known CHECK (choice IN ('', 'approve', 'refund', 'close')),
    choice_by    uuid, -- the first of two persons
    choice_why   text        NOT NULL DEFAULT '',
    choice_at    timestamptz,
    decided_by   uuid, -- null on a decided one: nobody did in time
    decided_at   timestamptz,
    CONSTRAINT risk_reviews_choice_whole CHECK ((choice = '') = (choice_at IS NULL)),
    CONSTRAINT risk_reviews_decided_whole CHECK ((state IN ('approved', 'refused')) = (decided_at IS NOT NULL))
);
CREATE INDEX risk_reviews_due ON risk_reviews (due_at) WHERE decided_at IS NULL;
CREATE INDEX risk_reviews_decided ON risk_reviews (decided_at DESC) WHERE decided_at IS NOT NULL;
CREATE INDEX risk_reviews_creator ON risk_reviews (creator_id);

-- What happened in a review. Rows are only ever added.
CREATE TABLE risk_history (
    id         uuid        NOT NULL CONSTRAINT risk_history_pkey PRIMARY KEY,
    review_id  uuid        NOT NULL CONSTRAINT risk_history_review_fkey REFERENCES risk_reviews,
    actor_id   uuid, -- null: Vitrine itself
    action     text        NOT NULL,
    reason     text        NOT NULL,
    details    jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL
);
CREATE INDEX risk_history_review ON risk_history (review_id, created_at, id);
CREATE TRIGGER risk_history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON risk_history
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- What banks said early about payments. Once one is resolved it is never touched again.
CREATE TABLE risk_warnings (
    provider    text        NOT NULL,
    ref         text        NOT NULL,
    intent      text        NOT NULL DEFAULT '',
    charge      text        NOT NULL DEFAULT '',
    kind        text        NOT NULL DEFAULT '',
    checkout_id uuid,
    outcome     text        NOT NULL DEFAULT '' CONSTRAINT risk_warnings_outcome_known CHECK (outcome IN ('', 'refunded', 'asked', 'noted', 'late', 'given_back', 'not_ours')),
    at          timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    resolved_at timestamptz,
    CONSTRAINT risk_warnings_pkey PRIMARY KEY (provider, ref)
);
CREATE INDEX risk_warnings_waiting ON risk_warnings (received_at) WHERE resolved_at IS NULL;
CREATE INDEX risk_warnings_checkout ON risk_warnings (checkout_id) WHERE checkout_id IS NOT NULL;

-- Which mails were caused, so that a job that runs twice sends one.
CREATE TABLE risk_mails (
    order_id    uuid        NOT NULL,
    kind        text        NOT NULL,
    cause       text        NOT NULL,
    lease_until timestamptz NOT NULL,
    sent_at     timestamptz,
    refused_at  timestamptz,
    CONSTRAINT risk_mails_pkey PRIMARY KEY (order_id, kind, cause)
);

-- A shop that an operator has closed stays closed until an operator opens it.
ALTER TABLE shops ADD COLUMN shut_at timestamptz, ADD COLUMN shut_reason text NOT NULL DEFAULT '';
ALTER TABLE shops ADD CONSTRAINT shops_shut_closed CHECK (shut_at IS NULL OR closed_at IS NOT NULL);
CREATE INDEX shops_shut ON shops (creator_id) WHERE shut_at IS NOT NULL;
