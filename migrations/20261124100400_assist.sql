-- +goose Up
-- What somebody has asked to have written: a whole window, one block of it again, or a sentence about them.
CREATE TABLE assist_runs (
    id         uuid        NOT NULL CONSTRAINT assist_runs_pkey PRIMARY KEY,
    shop_id    uuid        NOT NULL CONSTRAINT assist_runs_shop_fkey REFERENCES shops,
    creator_id uuid        NOT NULL CONSTRAINT assist_runs_creator_fkey REFERENCES users,
    key        text        NOT NULL CONSTRAINT assist_runs_key_short CHECK (length(key) BETWEEN 1 AND 200),
    kind       text        NOT NULL CONSTRAINT assist_runs_kind_known CHECK (kind IN ('window', 'block', 'bio')),
    state      text        NOT NULL CONSTRAINT assist_runs_state_known CHECK (state IN ('waiting', 'writing', 'done', 'failed', 'kept', 'undone')),
    sentence   text        NOT NULL CONSTRAINT assist_runs_sentence_short CHECK (length(sentence) <= 2000),
    tone       text        NOT NULL,
    color      text        NOT NULL,
    language   text        NOT NULL,
    anew       boolean     NOT NULL, -- what is in the window is taken out first
    pictures   boolean     NOT NULL,
    block_id   uuid,                 -- whose text is written again
    bv         integer     NOT NULL DEFAULT 0,
    by         text        NOT NULL DEFAULT '' CONSTRAINT assist_runs_by_known CHECK (by IN ('', 'model', 'template')),
    why        text        NOT NULL DEFAULT '', -- why it failed, or why it is not by the model
    text       text        NOT NULL DEFAULT '', -- the sentence that was written
    blocks     jsonb       NOT NULL DEFAULT '[]',
    goods      jsonb       NOT NULL DEFAULT '[]',
    op         bigint      NOT NULL DEFAULT 0,  -- the step of the history that takes all of it back
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT assist_runs_key_unique UNIQUE (creator_id, shop_id, key)
);
CREATE INDEX assist_runs_shop ON assist_runs (shop_id, id);
CREATE INDEX assist_runs_open ON assist_runs (updated_at) WHERE state IN ('waiting', 'writing');
CREATE INDEX assist_runs_age ON assist_runs (created_at);

-- Each call of the model: who, by which words of ours, what it took.
CREATE TABLE assist_calls (
    id         uuid        NOT NULL CONSTRAINT assist_calls_pkey PRIMARY KEY,
    run_id     uuid        CONSTRAINT assist_calls_run_fkey REFERENCES assist_runs ON DELETE SET NULL,
    creator_id uuid        NOT NULL,
    prompt     text        NOT NULL, -- name and version
    model      text        NOT NULL,
    tokens_in  integer     NOT NULL CONSTRAINT assist_calls_in_positive CHECK (tokens_in >= 0),
    tokens_out integer     NOT NULL CONSTRAINT assist_calls_out_positive CHECK (tokens_out >= 0),
    cost_micro bigint      NOT NULL, -- millionths of a US dollar
    ms         integer     NOT NULL,
    outcome    text        NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX assist_calls_creator ON assist_calls (creator_id, created_at);

-- Tokens of a day, of one creator and of all together (the zero id). What a call may take is taken before it.
CREATE TABLE assist_days (
    who    uuid   NOT NULL,
    day    date   NOT NULL,
    tokens bigint NOT NULL CONSTRAINT assist_days_not_negative CHECK (tokens >= 0),
    CONSTRAINT assist_days_pkey PRIMARY KEY (who, day)
);

-- Photographs that stay where they are, at Unsplash, and are shown through the media host.
CREATE TABLE photos (
    id         uuid        NOT NULL CONSTRAINT photos_pkey PRIMARY KEY,
    creator_id uuid        NOT NULL CONSTRAINT photos_creator_fkey REFERENCES users,
    source_id  text        NOT NULL, -- its name at Unsplash
    raw_url    text        NOT NULL CONSTRAINT photos_url_https CHECK (raw_url LIKE 'http%'),
    width      integer     NOT NULL CONSTRAINT photos_width_positive CHECK (width > 0),
    height     integer     NOT NULL CONSTRAINT photos_height_positive CHECK (height > 0),
    color      text        NOT NULL,
    alt        text        NOT NULL,
    credit     text        NOT NULL,
    credit_url text        NOT NULL,
    download   text        NOT NULL, -- where Unsplash is told that it is used
    told_at    timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT photos_source_unique UNIQUE (creator_id, source_id)
);
