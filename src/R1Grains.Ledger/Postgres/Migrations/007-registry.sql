-- FORMAT.md says what the rows mean.

CREATE TABLE administration (
    tenant text COLLATE "C" PRIMARY KEY,
    next_index bigint NOT NULL,
    last_hash bytea NOT NULL
) WITH (fillfactor = 60);

CREATE TABLE administrative_record (
    tenant text COLLATE "C" NOT NULL,
    idx bigint NOT NULL,
    time bigint NOT NULL,
    batch bigint NOT NULL,
    writer uuid NOT NULL,
    format smallint NOT NULL,
    hash bytea NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (tenant, idx)
);
CREATE INDEX administrative_record_by_batch ON administrative_record (writer, batch);

CREATE TABLE document (
    tenant text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    change bigint NOT NULL,
    content bytea,
    PRIMARY KEY (tenant, kind, id)
);
CREATE INDEX document_by_change ON document (change);

-- Changes are counted from here and not from a sequence: they become visible in their order.
CREATE TABLE registry_change (
    changes bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO registry_change VALUES (0);
