-- FORMAT.md says what the rows mean.

CREATE TABLE conversation_head (
    id bigint PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    caller text COLLATE "C" NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    data_key bytea NOT NULL,
    customer bytea,
    epoch bigint NOT NULL,
    next_index bigint NOT NULL,
    next_turn integer NOT NULL,
    next_piece integer NOT NULL,
    last_hash bytea NOT NULL,
    pieces_hash bytea NOT NULL,
    deadline bigint,
    idle_timeout bigint NOT NULL,
    last_activity bigint NOT NULL,
    completed boolean NOT NULL,
    -- In place of an index over last_activity: a piece changes no indexed column, so that its update stays on the page.
    idle_at bigint GENERATED ALWAYS AS (CASE WHEN deadline IS NULL AND NOT completed THEN last_activity + idle_timeout END) STORED,
    UNIQUE (tenant, name),
    UNIQUE (tenant, caller, request_id)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX conversation_head_by_tenant ON conversation_head (tenant, id);
CREATE INDEX conversation_head_by_customer ON conversation_head (tenant, customer) WHERE customer IS NOT NULL;
CREATE INDEX conversation_head_open ON conversation_head (deadline) WHERE deadline IS NOT NULL;
CREATE INDEX conversation_head_idle ON conversation_head (idle_at) WHERE idle_at IS NOT NULL;

CREATE TABLE entry (
    conversation_id bigint NOT NULL,
    idx bigint NOT NULL,
    format smallint NOT NULL,
    kind smallint NOT NULL,
    turn integer NOT NULL,
    epoch bigint NOT NULL,
    time bigint NOT NULL,
    request_id text COLLATE "C",
    piece_count integer,
    pieces_hash bytea,
    hash bytea NOT NULL,
    skeleton bytea NOT NULL,
    sealed bytea,
    prompt bytea,
    PRIMARY KEY (conversation_id, idx),
    UNIQUE (conversation_id, turn, kind)
);
-- What is sealed does not become smaller.
ALTER TABLE entry ALTER COLUMN sealed SET STORAGE EXTERNAL, ALTER COLUMN prompt SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX entry_by_request ON entry (conversation_id, request_id) WHERE request_id IS NOT NULL;

CREATE TABLE piece (
    conversation_id bigint NOT NULL,
    turn integer NOT NULL,
    number integer NOT NULL,
    epoch bigint NOT NULL,
    time bigint NOT NULL,
    skeleton bytea NOT NULL,
    sealed bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (conversation_id, turn, number)
);
ALTER TABLE piece ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- Conversations are numbered from here and not from a sequence: without gaps, and in the order in which they become visible.
CREATE TABLE conversation_count (
    conversations bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO conversation_count VALUES (0);

CREATE TABLE record_writer (
    writer uuid PRIMARY KEY,
    session bigint NOT NULL,
    batch bigint NOT NULL,
    ended boolean NOT NULL,
    touched timestamptz NOT NULL
) WITH (fillfactor = 10);
