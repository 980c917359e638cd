-- What group commit needs. Run by 0003_group_commit.py.

-- What waits in a collection of an account, in the order in which it was accepted.
CREATE INDEX batches_waiting ON ingest.batches (account, collection, id) WHERE state = 'accepted';

-- Where batches wait: collections whose batches are to be committed together, without an id, and
-- batches that failed before, which are committed each by itself.
DROP FUNCTION ingest.unfinished_batches(interval, integer);
CREATE FUNCTION ingest.unfinished_batches(older_than interval, at_most integer)
    RETURNS TABLE (account text, collection text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH oldest AS (
        SELECT b.account, b.collection, b.id, b.attempts
        FROM ingest.batches b
        WHERE b.state = 'accepted' AND b.accepted_at < now() - older_than
        ORDER BY b.accepted_at
        LIMIT at_most
    )
    SELECT DISTINCT o.account, o.collection, CASE WHEN o.attempts > 0 THEN o.id END FROM oldest o
$$;

REVOKE ALL ON FUNCTION ingest.unfinished_batches(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.unfinished_batches(interval, integer) TO ingest_app;
-- A function's owner must be able to create in its schema while it becomes the owner.
GRANT CREATE ON SCHEMA ingest TO ingest_lookup;
ALTER FUNCTION ingest.unfinished_batches(interval, integer) OWNER TO ingest_lookup;
REVOKE CREATE ON SCHEMA ingest FROM ingest_lookup;
