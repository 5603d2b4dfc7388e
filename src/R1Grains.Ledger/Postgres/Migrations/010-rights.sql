-- What each role may do, and what nobody may. The names of roles stand here as :"writer", and are those of this database.

GRANT USAGE ON SCHEMA r1grains TO :"writer", :"reader", :"verifier", :"indexer";
GRANT SELECT ON schema_version TO :"writer", :"reader", :"verifier", :"indexer";

GRANT SELECT ON ALL TABLES IN SCHEMA r1grains TO :"writer", :"verifier";
REVOKE ALL ON search_state, search_tail, search_segment, search_block FROM :"writer", :"verifier";
GRANT INSERT ON conversation_head, turn_request, record_writer, administration, administrative_record, document, tree, leaf, tile, checkpoint, sequenced TO :"writer";
GRANT UPDATE (epoch, next_index, next_turn, next_piece, last_hash, pieces_hash, deadline, idle_timeout, last_activity, completed, first_time, last_time) ON conversation_head TO :"writer";
GRANT UPDATE (next_index, last_hash) ON administration TO :"writer";
GRANT UPDATE (version, change, content) ON document TO :"writer";
GRANT UPDATE (session, batch, ended, touched) ON record_writer TO :"writer";
GRANT UPDATE (size, edge) ON tree TO :"writer";
GRANT UPDATE (hashes) ON tile TO :"writer";
GRANT UPDATE (batch) ON sequenced TO :"writer";
GRANT UPDATE ON conversation_count, registry_change TO :"writer";
GRANT DELETE ON checkpoint TO :"writer";
-- Into the months' own tables alone: what is copied into a table with policies would have to be inserted.
REVOKE EXECUTE ON FUNCTION make_month, detach_month FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_month TO :"writer";

GRANT SELECT ON conversation_head, turn_request, entry, piece, administration, administrative_record, document, tree, leaf, tile, checkpoint TO :"reader";
GRANT SELECT ON search_state, search_tail, search_segment, search_block TO :"reader";
-- Whether the database went back is asked before anything is read.
GRANT SELECT ON record_writer TO :"reader";

-- The index is no part of the record: it is taken away and made again.
GRANT SELECT, INSERT, UPDATE, DELETE ON search_state, search_tail, search_segment, search_block TO :"indexer";

-- One tenant never sees another: for whoever reads for a tenant there are its rows alone, and none while none is set. Not
-- even to the owner there are any.
DO $$
DECLARE
    database text := current_database();
    named text;
    of_tenant text;
BEGIN
    FOREACH named IN ARRAY ARRAY['conversation_head', 'turn_request', 'entry', 'piece', 'administration', 'administrative_record', 'document', 'tree', 'leaf', 'tile', 'checkpoint'] LOOP
        of_tenant := CASE WHEN named IN ('leaf', 'tile', 'checkpoint')
            THEN 'tree = (SELECT id FROM r1grains.tree WHERE tenant = (SELECT current_setting(''r1grains.tenant'', true)))'
            ELSE 'tenant = (SELECT current_setting(''r1grains.tenant'', true))' END;
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', named);
        EXECUTE format('CREATE POLICY written ON %I TO %I USING (true) WITH CHECK (true)', named, database || '_writer');
        EXECUTE format('CREATE POLICY verified ON %I FOR SELECT TO %I USING (true)', named, database || '_verifier');
        EXECUTE format('CREATE POLICY read ON %I FOR SELECT TO %I USING (%s)', named, database || '_reader', of_tenant);
    END LOOP;
    FOREACH named IN ARRAY ARRAY['search_state', 'search_tail', 'search_segment', 'search_block'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', named);
        EXECUTE format('CREATE POLICY of_tenant ON %I TO %I, %I USING (tenant = (SELECT current_setting(''r1grains.tenant'', true)))', named, database || '_reader', database || '_indexer');
    END LOOP;
END $$;

-- How far each tenant's index is, without a word of what it holds: whoever builds it looks there first.
CREATE POLICY progress ON search_state FOR SELECT TO :"indexer" USING (true);

-- Rails, not proofs: whoever owns the tables can take them away, and is found out by the proofs.
DO $$
DECLARE
    named text;
BEGIN
    FOREACH named IN ARRAY ARRAY['turn_request', 'entry', 'piece', 'administrative_record', 'leaf'] LOOP
        EXECUTE format('CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', named);
    END LOOP;
    FOREACH named IN ARRAY ARRAY['conversation_head', 'administration', 'document', 'tree', 'tile'] LOOP
        EXECUTE format('CREATE TRIGGER stays BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', named);
    END LOOP;
    FOREACH named IN ARRAY ARRAY['turn_request', 'entry', 'piece', 'administrative_record', 'leaf', 'conversation_head', 'administration', 'document', 'tree', 'tile'] LOOP
        EXECUTE format('CREATE TRIGGER stays_whole BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', named);
    END LOOP;
END $$;
