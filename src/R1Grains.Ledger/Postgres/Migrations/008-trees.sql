-- FORMAT.md says what the rows mean.

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
