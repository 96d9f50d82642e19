-- +goose Up
-- What the platform takes of a sale, dated. An order keeps the version it was booked with.
CREATE TABLE fee_schedules (
    version     int         NOT NULL GENERATED ALWAYS AS IDENTITY CONSTRAINT fee_schedules_pkey PRIMARY KEY,
    currency    char(3)     NOT NULL,
    bps         int         NOT NULL CONSTRAINT fee_schedules_bps_range CHECK (bps BETWEEN 0 AND 10000),
    fixed_minor bigint      NOT NULL CONSTRAINT fee_schedules_fixed_not_negative CHECK (fixed_minor >= 0),
    starts_at   timestamptz NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT fee_schedules_start_unique UNIQUE (currency, starts_at)
);
CREATE TRIGGER fee_schedules_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON fee_schedules
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
INSERT INTO fee_schedules (currency, bps, fixed_minor, starts_at)
SELECT v.currency, 500, v.fixed, '2026-01-01 00:00+00'
FROM (VALUES ('EUR', 25), ('USD', 30), ('GBP', 20), ('CHF', 30), ('CAD', 30), ('AUD', 30), ('NZD', 30), ('SEK', 250), ('NOK', 250), ('DKK', 180),
    ('PLN', 100), ('CZK', 600), ('HUF', 9000), ('MXN', 400), ('BRL', 40), ('JPY', 30), ('KRW', 350), ('TWD', 800), ('KWD', 100)) AS v (currency, fixed);

CREATE TABLE ledger_entries (
    id         uuid        NOT NULL CONSTRAINT ledger_entries_pkey PRIMARY KEY,
    key        text        NOT NULL CONSTRAINT ledger_entries_key_unique UNIQUE, -- names the fact: sale:<order>
    kind       text        NOT NULL,
    inputs     bytea       NOT NULL, -- hash of the lines: the same key with other lines is refused
    created_at timestamptz NOT NULL
);
CREATE INDEX ledger_entries_kind ON ledger_entries (kind, id);
CREATE TABLE ledger_lines (
    entry_id uuid    NOT NULL CONSTRAINT ledger_lines_entry_fkey REFERENCES ledger_entries,
    n        int     NOT NULL,
    account  text    NOT NULL,
    currency char(3) NOT NULL,
    amount   bigint  NOT NULL CONSTRAINT ledger_lines_amount_not_zero CHECK (amount <> 0),
    CONSTRAINT ledger_lines_pkey PRIMARY KEY (entry_id, n)
);
CREATE INDEX ledger_lines_account ON ledger_lines (account, currency);
-- The running sum of an account. Those that every sale touches are spread over shards, so that sales need not
-- wait for each other; a creator's has one row, which payouts can lock.
CREATE TABLE account_balances (
    account  text     NOT NULL,
    currency char(3)  NOT NULL,
    shard    smallint NOT NULL,
    balance  bigint   NOT NULL,
    CONSTRAINT account_balances_pkey PRIMARY KEY (account, currency, shard)
);
-- +goose StatementBegin
CREATE FUNCTION ledger_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM ledger_lines WHERE entry_id = NEW.entry_id GROUP BY currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'ledger entry % does not balance', NEW.entry_id USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_balances';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION ledger_entry_has_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger_lines WHERE entry_id = NEW.id) THEN
        RAISE EXCEPTION 'ledger entry % has no lines', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_has_lines';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
-- A line may only come with its entry: in the transaction that made the entry.
CREATE FUNCTION ledger_line_joins_new_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT xmin FROM ledger_entries WHERE id = NEW.entry_id)::text::bigint IS DISTINCT FROM (txid_current() % 4294967296) THEN
        RAISE EXCEPTION 'ledger entry % is closed', NEW.entry_id USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_lines_append_only';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT ON ledger_lines
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();
CREATE CONSTRAINT TRIGGER ledger_entry_has_lines AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_has_lines();
CREATE TRIGGER ledger_lines_joins BEFORE INSERT ON ledger_lines FOR EACH ROW EXECUTE FUNCTION ledger_line_joins_new_entry();
CREATE TRIGGER ledger_lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_lines
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER account_balances_stay BEFORE DELETE OR TRUNCATE ON account_balances
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
