-- +goose Up
CREATE EXTENSION IF NOT EXISTS citext;

-- Work that must happen: written with the fact that causes it, handed to the worker by the relay.
CREATE TABLE outbox (
    id          uuid        NOT NULL CONSTRAINT outbox_pkey PRIMARY KEY,
    kind        text        NOT NULL,
    payload     jsonb       NOT NULL,
    queue       text        NOT NULL,
    key         text        CONSTRAINT outbox_key_unique UNIQUE, -- set where a second row for the same thing would be wrong
    run_at      timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    dispatches  int         NOT NULL DEFAULT 0, -- fences off a hand-over that a newer one has replaced
    attempts    int         NOT NULL DEFAULT 0,
    lease_until timestamptz,
    done_at     timestamptz,
    failed_at   timestamptz,
    last_error  text
);
CREATE INDEX outbox_due ON outbox (COALESCE(lease_until, run_at)) WHERE done_at IS NULL AND failed_at IS NULL;

-- Who did what; nothing here is ever changed.
CREATE TABLE audit_log (
    id         uuid        NOT NULL CONSTRAINT audit_log_pkey PRIMARY KEY,
    actor_id   uuid,
    action     text        NOT NULL,
    subject    text        NOT NULL,
    details    jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL
);
CREATE INDEX audit_log_subject ON audit_log (subject, created_at);
-- +goose StatementBegin
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_append_only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
