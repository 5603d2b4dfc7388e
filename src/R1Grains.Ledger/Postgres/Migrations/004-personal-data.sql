-- Entries of format 3 name the places of personal data and hold an answer that waits for a person, which an earlier program cannot read.
COMMENT ON COLUMN entry.format IS '1 to 3';
