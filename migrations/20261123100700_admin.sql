-- +goose Up
-- Who has a case in hand, and how it ended. A case that is found again opens again and forgets its end.
ALTER TABLE money_cases
    ADD COLUMN assignee_id uuid CONSTRAINT money_cases_assignee_fkey REFERENCES users,
    ADD COLUMN actor_id    uuid, -- who has closed it; null: it has settled itself
    ADD COLUMN why         text        NOT NULL DEFAULT '',
    ADD COLUMN found_at    timestamptz, -- the start of the reconciliation that has found it last
    ADD COLUMN touched_at  timestamptz; -- when somebody last opened or closed it, where that is known
CREATE INDEX money_cases_open ON money_cases (created_at) WHERE closed_at IS NULL;

-- What became of a case, whoever writes it. Notes of operators stand here too.
CREATE TABLE money_case_events (
    n          bigint      NOT NULL GENERATED ALWAYS AS IDENTITY CONSTRAINT money_case_events_pkey PRIMARY KEY,
    case_id    uuid        NOT NULL, -- cases are never deleted: no foreign key is needed
    kind       text        NOT NULL CONSTRAINT money_case_events_kind_known CHECK (kind IN ('opened', 'reopened', 'closed', 'noted', 'assigned')),
    actor_id   uuid,
    note       text        NOT NULL DEFAULT '' CONSTRAINT money_case_events_note_length CHECK (char_length(note) <= 1000),
    created_at timestamptz NOT NULL
);
CREATE INDEX money_case_events_case ON money_case_events (case_id, n);
CREATE TRIGGER money_case_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON money_case_events
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
-- +goose StatementBegin
CREATE FUNCTION money_case_opens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO money_case_events (case_id, kind, created_at) VALUES (NEW.id, 'opened', NEW.created_at);
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION money_case_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz;
BEGIN
    IF NEW.closed_at IS NOT NULL AND OLD.closed_at IS NULL THEN
        INSERT INTO money_case_events (case_id, kind, actor_id, note, created_at) VALUES (NEW.id, 'closed', NEW.actor_id, NEW.why, NEW.closed_at);
    ELSIF NEW.closed_at IS NULL AND OLD.closed_at IS NOT NULL THEN
        moment := CASE WHEN NEW.touched_at IS DISTINCT FROM OLD.touched_at THEN NEW.touched_at ELSE clock_timestamp() END;
        NEW.actor_id := NULL;
        NEW.why := '';
        INSERT INTO money_case_events (case_id, kind, created_at) VALUES (NEW.id, 'reopened', moment);
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER money_cases_opens AFTER INSERT ON money_cases FOR EACH ROW EXECUTE FUNCTION money_case_opens();
CREATE TRIGGER money_cases_moves BEFORE UPDATE OF closed_at ON money_cases FOR EACH ROW EXECUTE FUNCTION money_case_moves();

-- The last reading of a provider's account that has shown the line.
ALTER TABLE provider_movements ADD COLUMN listed_at timestamptz;

-- The nightly comparison of a provider's account with the book, one a provider and day. The cursor says how far it is.
CREATE TABLE reconciliations (
    provider    text        NOT NULL,
    day         date        NOT NULL,
    from_at     timestamptz NOT NULL,
    to_at       timestamptz NOT NULL,
    stage       text        NOT NULL CONSTRAINT reconciliations_stage_known CHECK (stage IN ('read', 'gone', 'theirs', 'ours', 'cases', 'done')),
    cursor      text        NOT NULL DEFAULT '',
    lines       int         NOT NULL DEFAULT 0, -- of the provider's account
    entries     int         NOT NULL DEFAULT 0, -- of the book
    differences int         NOT NULL DEFAULT 0, -- open when it was done
    trouble     text        NOT NULL DEFAULT '', -- why the last try did not come to its end
    started_at  timestamptz NOT NULL,
    done_at     timestamptz,
    CONSTRAINT reconciliations_pkey PRIMARY KEY (provider, day)
);

-- What the hourly check of the whole book has said.
CREATE TABLE money_checks (
    n          bigint      NOT NULL GENERATED ALWAYS AS IDENTITY CONSTRAINT money_checks_pkey PRIMARY KEY,
    created_at timestamptz NOT NULL,
    took_ms    bigint      NOT NULL,
    entries    int         NOT NULL,
    lines      int         NOT NULL,
    wrong      int         NOT NULL, -- findings that are more than notes
    findings   jsonb       NOT NULL DEFAULT '[]',
    trouble    text        NOT NULL DEFAULT '' -- why it could not be made
);
CREATE INDEX provider_movements_payout ON provider_movements (payout_id) WHERE payout_id IS NOT NULL;
