-- Entries of format 2 name a lexicon and its hits, which an earlier program cannot read.
COMMENT ON COLUMN entry.format IS '1 or 2';
