-- +goose Up
-- Which line of the book went into which payout. A line is taken once and never given back: what comes back is a line of its own.
CREATE TABLE ledger_claims (
    entry_id   uuid        NOT NULL,
    n          int         NOT NULL,
    by         text        NOT NULL, -- payout:<id>
    created_at timestamptz NOT NULL,
    CONSTRAINT ledger_claims_pkey PRIMARY KEY (entry_id, n) -- claims are copied from lines, and lines are never deleted: no foreign key is needed
);
CREATE INDEX ledger_claims_by ON ledger_claims (by);
CREATE TRIGGER ledger_claims_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_claims
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- Where a creator is paid out to. A row stays when it is gone: old payouts name it.
CREATE TABLE payout_methods (
    id           uuid        NOT NULL CONSTRAINT payout_methods_pkey PRIMARY KEY,
    creator_id   uuid        NOT NULL CONSTRAINT payout_methods_creator_fkey REFERENCES users,
    provider     text        NOT NULL CONSTRAINT payout_methods_provider_known CHECK (provider IN ('stripe', 'paypal')),
    generation   int         NOT NULL, -- counts a creator's methods at a provider; part of the key that opens an account
    email        text        NOT NULL, -- the creator's, as the account was opened with
    number       text        NOT NULL DEFAULT '', -- of the connected account; empty until we know it
    address      text        NOT NULL DEFAULT '', -- at PayPal
    country      char(2)     NOT NULL DEFAULT '',
    currency     text        NOT NULL DEFAULT '',
    bank         text        NOT NULL DEFAULT '', -- the last digits
    state        text        NOT NULL CONSTRAINT payout_methods_state_known CHECK (state IN ('unconfirmed', 'incomplete', 'ready', 'restricted', 'gone')),
    due          jsonb       NOT NULL DEFAULT '[]',
    deadline     timestamptz,
    disabled     text        NOT NULL DEFAULT '',
    is_current   bool        NOT NULL DEFAULT false,
    opening_at   timestamptz, -- when the account was first asked for
    looked_at    timestamptz, -- when the provider was asked for what stands here
    ready_at     timestamptz, -- when money could first be sent there
    payable_from timestamptz, -- after a change
    trouble_at   timestamptz, -- when a payout last came back from there
    trouble_until timestamptz,
    trouble      text        NOT NULL DEFAULT '',
    troubles     int         NOT NULL DEFAULT 0, -- in a row
    gone_at      timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT payout_methods_generation_unique UNIQUE (creator_id, provider, generation)
);
CREATE UNIQUE INDEX payout_methods_current_unique ON payout_methods (creator_id) WHERE is_current;
CREATE UNIQUE INDEX payout_methods_account_unique ON payout_methods (creator_id) WHERE provider = 'stripe' AND state <> 'gone';
CREATE UNIQUE INDEX payout_methods_number_unique ON payout_methods (provider, number) WHERE number <> '';
CREATE INDEX payout_methods_looking ON payout_methods (looked_at) WHERE provider = 'stripe' AND state <> 'gone';

-- A change that waits for the link in a mail.
CREATE TABLE payout_changes (
    id         uuid        NOT NULL CONSTRAINT payout_changes_pkey PRIMARY KEY,
    creator_id uuid        NOT NULL,
    method_id  uuid        NOT NULL CONSTRAINT payout_changes_method_fkey REFERENCES payout_methods,
    what       text        NOT NULL CONSTRAINT payout_changes_what_known CHECK (what IN ('use', 'disconnect')),
    token_hash bytea       NOT NULL CONSTRAINT payout_changes_token_unique UNIQUE,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    done_at    timestamptz,
    dropped_at timestamptz -- a newer one took its place
);
CREATE INDEX payout_changes_open ON payout_changes (creator_id) WHERE done_at IS NULL AND dropped_at IS NULL;

CREATE TABLE payout_plans (
    creator_id  uuid        NOT NULL CONSTRAINT payout_plans_pkey PRIMARY KEY CONSTRAINT payout_plans_creator_fkey REFERENCES users,
    plan        text        NOT NULL DEFAULT 'daily' CONSTRAINT payout_plans_plan_known CHECK (plan IN ('daily', 'weekly', 'monthly', 'paused')),
    changed_at  timestamptz NOT NULL,
    last_number int         NOT NULL DEFAULT 0
);

CREATE TABLE payouts (
    id            uuid        NOT NULL CONSTRAINT payouts_pkey PRIMARY KEY,
    creator_id    uuid        NOT NULL CONSTRAINT payouts_creator_fkey REFERENCES users,
    number        int         NOT NULL,
    currency      char(3)     NOT NULL,
    amount_minor  bigint      NOT NULL CONSTRAINT payouts_amount_positive CHECK (amount_minor > 0),
    fee_minor     bigint      NOT NULL DEFAULT 0, -- what the provider takes of us
    carried_minor bigint      NOT NULL DEFAULT 0 CONSTRAINT payouts_carried_not_negative CHECK (carried_minor >= 0), -- left for the next
    state         text        NOT NULL CONSTRAINT payouts_state_known
        CHECK (state IN ('held', 'reserved', 'sending', 'unknown', 'sent', 'paid', 'failed', 'returned', 'released', 'canceled')),
    method_id     uuid        NOT NULL CONSTRAINT payouts_method_fkey REFERENCES payout_methods,
    provider      text        NOT NULL,
    target        text        NOT NULL, -- where it goes to, as the provider calls it
    shown         text        NOT NULL, -- where it goes to, as a person knows it
    ref           text        NOT NULL DEFAULT '',
    advance       text        NOT NULL DEFAULT '',
    failure       text        NOT NULL DEFAULT '', -- a code
    why           text        NOT NULL DEFAULT '', -- a sentence
    approved_by   uuid, -- who let it go although it was held
    attempts      int         NOT NULL DEFAULT 0,
    doubt_at      timestamptz, -- the first try whose end is not known
    tried_at      timestamptz, -- the last try
    lease_until   timestamptz,
    looked_at     timestamptz,
    created_at    timestamptz NOT NULL,
    sent_at       timestamptz,
    arrives_at    timestamptz,
    paid_at       timestamptz,
    stuck_at      timestamptz, -- when its money could not be brought back
    ended_at      timestamptz,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT payouts_number_unique UNIQUE (creator_id, number)
);
CREATE INDEX payouts_creator ON payouts (creator_id, currency, state);
CREATE INDEX payouts_open ON payouts (updated_at) WHERE state IN ('held', 'reserved', 'sending', 'unknown', 'failed');
CREATE INDEX payouts_provisional ON payouts (looked_at) WHERE state IN ('sent', 'paid');
CREATE INDEX payouts_ref ON payouts (provider, ref) WHERE ref <> '';

-- The days on which everyone was gone through, and what came of it for each balance.
CREATE TABLE payout_days (
    run_date date        NOT NULL CONSTRAINT payout_days_pkey PRIMARY KEY,
    done_at  timestamptz NOT NULL
);
CREATE TABLE payout_runs (
    creator_id uuid        NOT NULL,
    currency   char(3)     NOT NULL,
    run_date   date        NOT NULL,
    payout_id  uuid        CONSTRAINT payout_runs_payout_fkey REFERENCES payouts,
    reason     text        NOT NULL DEFAULT '', -- the code, when there was none
    created_at timestamptz NOT NULL,
    CONSTRAINT payout_runs_pkey PRIMARY KEY (creator_id, currency, run_date)
);

-- Why money is not on its way. One at a time for a balance; the old ones stay to be read.
CREATE TABLE payout_reasons (
    id         uuid        NOT NULL CONSTRAINT payout_reasons_pkey PRIMARY KEY,
    creator_id uuid        NOT NULL,
    currency   char(3)     NOT NULL,
    code       text        NOT NULL,
    act        text        NOT NULL CONSTRAINT payout_reasons_act_known CHECK (act IN ('you', 'us', 'provider', 'nobody')),
    text       text        NOT NULL, -- in English, for the operator; pages write their own
    payout_id  uuid,
    since      timestamptz NOT NULL,
    until      timestamptz,
    cleared_at timestamptz
);
CREATE UNIQUE INDEX payout_reasons_open_unique ON payout_reasons (creator_id, currency) WHERE cleared_at IS NULL;

-- Which mails were caused, so that a job that runs twice sends one.
CREATE TABLE payout_mails (
    creator_id  uuid        NOT NULL,
    kind        text        NOT NULL,
    cause       text        NOT NULL,
    lease_until timestamptz NOT NULL,
    sent_at     timestamptz,
    refused_at  timestamptz,
    CONSTRAINT payout_mails_pkey PRIMARY KEY (creator_id, kind, cause)
);
