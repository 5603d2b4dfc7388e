-- How far the trees are of what was written, in numbers that say nothing of any tenant: who verifies one tenant asks it, to tell
-- what is missing in a tree from what is not there yet.
GRANT SELECT ON sequenced TO :"reader";
