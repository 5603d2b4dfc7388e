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
    -- All of its rows lie between these: who looks for them need not look into other months.
    first_time bigint NOT NULL,
    last_time bigint NOT NULL,
    -- In place of an index over last_activity: a piece changes no indexed column, so that its update stays on the page.
    idle_at bigint GENERATED ALWAYS AS (CASE WHEN deadline IS NULL AND NOT completed THEN last_activity + idle_timeout END) STORED,
    UNIQUE (tenant, name),
    UNIQUE (tenant, caller, request_id)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX conversation_head_by_tenant ON conversation_head (tenant, id);
CREATE INDEX conversation_head_by_customer ON conversation_head (tenant, customer) WHERE customer IS NOT NULL;
CREATE INDEX conversation_head_open ON conversation_head (deadline) WHERE deadline IS NOT NULL;
CREATE INDEX conversation_head_idle ON conversation_head (idle_at) WHERE idle_at IS NOT NULL;

-- A request opens one turn of its conversation, in whatever month it comes again: that no month can see to by itself. That a
-- chain has one entry in each place follows from the head, which every writer locks, and from the key of leaf.
CREATE TABLE turn_request (
    conversation_id bigint NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    turn integer NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    PRIMARY KEY (conversation_id, request_id)
);

-- By month, so that what need not be kept any longer goes as a whole.
CREATE TABLE entry (
    conversation_id bigint NOT NULL,
    idx bigint NOT NULL,
    epoch bigint NOT NULL,
    time bigint NOT NULL,
    batch bigint NOT NULL,
    writer uuid NOT NULL,
    turn integer NOT NULL,
    piece_count integer,
    format smallint NOT NULL,
    kind smallint NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    request_id text COLLATE "C",
    hash bytea NOT NULL,
    pieces_hash bytea,
    receipt text COLLATE "C",
    skeleton bytea NOT NULL,
    sealed bytea,
    prompt bytea
) PARTITION BY RANGE (time);
-- What is sealed does not become smaller.
ALTER TABLE entry ALTER COLUMN sealed SET STORAGE EXTERNAL, ALTER COLUMN prompt SET STORAGE EXTERNAL;

CREATE TABLE piece (
    conversation_id bigint NOT NULL,
    epoch bigint NOT NULL,
    time bigint NOT NULL,
    turn integer NOT NULL,
    number integer NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    hash bytea NOT NULL,
    skeleton bytea NOT NULL,
    sealed bytea NOT NULL
) PARTITION BY RANGE (time);
ALTER TABLE piece ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- What is recorded stays as it is.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = format('rows of %s are never changed or removed: %s is refused', TG_TABLE_NAME, TG_OP);
END $$;

-- Makes the tables of the month that begins on this day, in UTC, where they are missing. They are attached and not made as
-- parts, so that nobody who reads or writes has to wait.
CREATE FUNCTION make_month(first_day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = r1grains, pg_temp AS $$
DECLARE
    parent text;
    part text;
    low bigint := extract(epoch FROM first_day) * 1000000;
    high bigint := extract(epoch FROM first_day + interval '1 month') * 1000000;
BEGIN
    IF first_day <> date_trunc('month', first_day::timestamp) THEN
        RAISE EXCEPTION '% is not the first day of a month', first_day;
    END IF;
    -- "R1MO", one at a time.
    PERFORM pg_advisory_xact_lock(x'52314D4F'::bigint);
    FOREACH parent IN ARRAY ARRAY['entry', 'piece'] LOOP
        part := parent || to_char(first_day, '_YYYY_MM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING STORAGE)', part, parent);
        IF parent = 'entry' THEN
            EXECUTE format('CREATE UNIQUE INDEX ON %I (conversation_id, idx)', part);
            EXECUTE format('CREATE INDEX ON %I (writer, batch)', part);
        ELSE
            EXECUTE format('CREATE UNIQUE INDEX ON %I (conversation_id, turn, number)', part);
        END IF;
        EXECUTE format('CREATE TRIGGER stays_whole BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', part);
        EXECUTE format('GRANT INSERT ON %I TO %I', part, current_database() || '_writer');
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', parent, part, low, high);
    END LOOP;
END $$;

-- Takes the table of a month out of the record, if it is still there. It remains beside it, under another name, for whoever
-- archives and drops it. As this keeps everybody from the record while it waits, it waits for a moment only.
CREATE FUNCTION detach_month(part text, patience text) RETURNS void LANGUAGE plpgsql SET search_path = r1grains, pg_temp AS $$
BEGIN
    PERFORM set_config('lock_timeout', patience, true);
    IF EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(part)) THEN
        EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', split_part(part, '_', 1), part);
        EXECUTE format('ALTER TABLE %I RENAME TO %I', part, 'retired_' || part);
        EXECUTE format('REVOKE ALL ON %I FROM %I', 'retired_' || part, current_database() || '_writer');
    END IF;
END $$;

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
