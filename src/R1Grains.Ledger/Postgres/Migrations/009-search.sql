-- What the search index knows of ended turns: which terms they hold, by the leaves of their tenants' trees. All of it can be
-- dropped, and is built again.

CREATE TABLE search_state (
    tenant text COLLATE "C" PRIMARY KEY,
    scheme bytea NOT NULL,
    leaves bigint NOT NULL,
    root bytea NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE search_tail (
    tenant text COLLATE "C" NOT NULL,
    leaf bigint NOT NULL,
    time bigint NOT NULL,
    terms bytea NOT NULL,
    PRIMARY KEY (tenant, leaf)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
ALTER TABLE search_tail ALTER COLUMN terms SET STORAGE MAIN;

CREATE TABLE search_segment (
    tenant text COLLATE "C" NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    level integer NOT NULL,
    turns integer NOT NULL,
    earliest bigint NOT NULL,
    latest bigint NOT NULL,
    times bytea NOT NULL,
    PRIMARY KEY (tenant, first)
);
ALTER TABLE search_segment ALTER COLUMN times SET STORAGE EXTERNAL;

CREATE TABLE search_block (
    tenant text COLLATE "C" NOT NULL,
    level integer NOT NULL,
    block integer NOT NULL,
    segment bigint NOT NULL,
    postings bytea NOT NULL,
    PRIMARY KEY (tenant, level, block, segment)
);
ALTER TABLE search_block ALTER COLUMN postings SET STORAGE EXTERNAL;
