-- Each batch says which layout its records have, so that every worker gives them one meaning.
ALTER TABLE ingest.batches ADD COLUMN layout text COLLATE "C";
COMMENT ON COLUMN ingest.batches.layout IS
    'the fingerprint of what its records mean; NULL where a version before 0007 accepted it';

-- What a fingerprint stands for. Of no account: it describes schemas, and holds no item.
CREATE TABLE ingest.layouts (
    fingerprint  text COLLATE "C" PRIMARY KEY,
    collection   text COLLATE "C" NOT NULL,
    document     text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE ingest.layouts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON ingest.layouts TO ingest_app;
CREATE POLICY every_account ON ingest.layouts TO ingest_app USING (true);

-- The function of versions before: their workers know no other schema than their own, and would
-- drop what that lacks. So they take what such versions have accepted, and nothing else.
CREATE OR REPLACE FUNCTION ingest.take_waiting(owner text, place text, at_most integer)
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
        WHERE b.account = owner AND b.collection BETWEEN place AND place
          AND b.state = 'accepted' AND b.attempts = 0 AND b.layout IS NULL
        ORDER BY b.collection, b.id
        LIMIT at_most
        FOR UPDATE SKIP LOCKED;
END $$;
CREATE OR REPLACE FUNCTION ingest.unfinished_batches(older_than interval, at_most integer)
    RETURNS TABLE (account text, collection text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH oldest AS (
        SELECT b.account, b.collection, b.id, b.attempts
        FROM ingest.batches b
        WHERE b.state = 'accepted' AND b.accepted_at < now() - older_than AND b.layout IS NULL
        ORDER BY b.accepted_at
        LIMIT at_most
    )
    SELECT DISTINCT o.account, o.collection, CASE WHEN o.attempts > 0 THEN o.id END FROM oldest o
$$;

-- The oldest pending batches of a collection, locked, but those that the worker can't apply for now:
-- of these layouts, and these batches themselves. The caller is the collection's only writer until
-- its transaction ends. Batches that failed before are not among them: they would make the others
-- fail, too.
--
-- By id alone the primary key has the order as well, and where the planner last saw that nearly
-- all batches are pending, it walks along that past every batch that there ever was. An equality
-- would make this an order by id alone again.
CREATE FUNCTION ingest.take_waiting(
    owner text, place text, at_most integer, but_layouts text[], but uuid[]
)
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
        WHERE b.account = owner AND b.collection BETWEEN place AND place
          AND b.state = 'accepted' AND b.attempts = 0
          AND (b.layout IS NULL OR b.layout <> ALL (but_layouts)) AND b.id <> ALL (but)
        ORDER BY b.collection, b.id
        LIMIT at_most
        FOR UPDATE SKIP LOCKED;
END $$;

-- Where batches are pending, but those of these layouts: the collection without an id, for those
-- that are committed together; with an id, a batch that failed before and is committed alone.
CREATE FUNCTION ingest.unfinished_batches(
    older_than interval, at_most integer, but_layouts text[]
)
    RETURNS TABLE (account text, collection text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH oldest AS (
        SELECT b.account, b.collection, b.id, b.attempts
        FROM ingest.batches b
        WHERE b.state = 'accepted' AND b.accepted_at < now() - older_than
          AND (b.layout IS NULL OR b.layout <> ALL (but_layouts))
        ORDER BY b.accepted_at
        LIMIT at_most
    )
    SELECT DISTINCT o.account, o.collection, CASE WHEN o.attempts > 0 THEN o.id END FROM oldest o
$$;

REVOKE ALL ON FUNCTION ingest.take_waiting(text, text, integer, text[], uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION ingest.unfinished_batches(interval, integer, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.take_waiting(text, text, integer, text[], uuid[]) TO ingest_app;
GRANT EXECUTE ON FUNCTION ingest.unfinished_batches(interval, integer, text[]) TO ingest_app;
GRANT CREATE ON SCHEMA ingest TO ingest_lookup;
ALTER FUNCTION ingest.unfinished_batches(interval, integer, text[]) OWNER TO ingest_lookup;
REVOKE CREATE ON SCHEMA ingest FROM ingest_lookup;
