-- A writer's batches become visible in their order: by them the leader of the trees finds what is new, without gaps. What
-- was written before has a writer of its own, whose one batch it is.
ALTER TABLE entry
    ADD COLUMN receipt text COLLATE "C",
    ADD COLUMN writer uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    ADD COLUMN batch bigint NOT NULL DEFAULT 0;
CREATE INDEX entry_by_batch ON entry (writer, batch);
ALTER TABLE administrative_record
    ADD COLUMN writer uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    ADD COLUMN batch bigint NOT NULL DEFAULT 0;
CREATE INDEX administrative_record_by_batch ON administrative_record (writer, batch);
INSERT INTO record_writer (writer, session, batch, ended, touched) VALUES ('00000000-0000-0000-0000-000000000000', 0, 0, false, now());

CREATE TABLE tree (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL UNIQUE,
    origin text COLLATE "C" NOT NULL UNIQUE,
    size bigint NOT NULL,
    edge bytea NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE leaf (
    tree integer NOT NULL,
    number bigint NOT NULL,
    kind smallint NOT NULL,
    owner bigint NOT NULL,
    idx bigint NOT NULL,
    PRIMARY KEY (tree, number),
    UNIQUE (tree, kind, owner, idx)
);

CREATE TABLE tile (
    tree integer NOT NULL,
    level smallint NOT NULL,
    number bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (tree, level, number)
);
ALTER TABLE tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TABLE checkpoint (
    tree integer NOT NULL,
    size bigint NOT NULL,
    time bigint NOT NULL,
    note text COLLATE "C" NOT NULL,
    PRIMARY KEY (tree, size)
);

-- How far each writer's batches have been put into the trees.
CREATE TABLE sequenced (
    writer uuid PRIMARY KEY,
    batch bigint NOT NULL
) WITH (fillfactor = 10);
