-- What saves commits round trips. Run by 0010_round_trips.py.

-- The oldest batches that wait in a collection of an account, locked, for the collection's one
-- writer: whoever calls this is it until its transaction ends. The account is set first, and
-- row-level security holds what follows to it. Batches that failed before are not among them: they
-- would take the others with them.
CREATE FUNCTION ingest.take_waiting(owner text, place text, at_most integer)
    RETURNS SETOF ingest.batches
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('ingest.account', owner, true);
    LOOP
        PERFORM FROM ingest.counters c WHERE c.account = owner AND c.collection = place FOR UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO ingest.counters (account, collection) VALUES (owner, place)
        ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN QUERY
        SELECT * FROM ingest.batches b
        WHERE b.account = owner AND b.collection = place AND b.state = 'accepted' AND b.attempts = 0
        ORDER BY b.id
        LIMIT at_most
        FOR UPDATE SKIP LOCKED;
END $$;

REVOKE ALL ON FUNCTION ingest.take_waiting(text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.take_waiting(text, text, integer) TO ingest_app;
