-- Who may do what with a record. To be run once in its database, by a superuser or somebody who may create roles and owns it:
--
--   psql --dbname=r1grains --file=roles.sql
--
-- In these roles nobody logs in. They are named after the database and granted to its owner, which is enough to run R1Grains
-- with one login; README.md tells who else needs which. A server that may do all this does it by itself.
--
--   owner      has the tables, and makes those of new versions and months
--   writer     adds to the record, and changes what is set; sees all tenants; can change or remove nothing that is recorded
--   reader     reads what one tenant has, the one that is set in r1grains.tenant; without it nothing
--   verifier   reads everything: for audit verify and the witness
--   indexer    keeps the search index of the tenant that is set, and sees nothing of the record
--
-- The keys have a database of their own, in which none of these may do anything; there the login keymaster has everything.
DO $$
DECLARE
    database text := current_database();
    own text := (SELECT datdba::regrole FROM pg_database WHERE datname = current_database());
    role text;
BEGIN
    IF octet_length(database) > 53 THEN
        RAISE EXCEPTION 'the name of database % is too long: those of its roles have at most 63 bytes, it may have 53', database;
    END IF;
    -- Nobody else has anything to do here.
    EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', database);
    FOREACH role IN ARRAY ARRAY['owner', 'writer', 'reader', 'verifier', 'indexer'] LOOP
        role := database || '_' || role;
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        END IF;
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', database, role);
        EXECUTE format('GRANT %I TO %s', role, own);
    END LOOP;
    EXECUTE format('GRANT CREATE ON DATABASE %I TO %I', database, database || '_owner');
END $$;
