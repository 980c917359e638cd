-- How much is accepted and unfinished, over all accounts. Run by 0004_backlog.py.

-- Batches that were accepted before this revision count as empty; they are gone in a moment.
ALTER TABLE ingest.batches
    ADD COLUMN payload_bytes bigint NOT NULL DEFAULT 0 CHECK (payload_bytes >= 0);
COMMENT ON COLUMN ingest.batches.payload_bytes IS 'how much was staged for an accepted batch';

-- The sweeper's index again, with what the sums need: they read no payload, and no row of a
-- finished batch.
DROP INDEX ingest.batches_accepted;
CREATE INDEX batches_accepted ON ingest.batches (accepted_at) INCLUDE (received, payload_bytes)
    WHERE state = 'accepted';

-- What is left of the batches that were accepted by `known` tells how much was finished since.
CREATE FUNCTION ingest.backlog(known timestamptz)
    RETURNS TABLE (
        batches bigint, items bigint, bytes bigint, oldest timestamptz, newest timestamptz,
        known_items bigint, known_bytes bigint, asked_at timestamptz, seconds double precision
    )
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*), coalesce(sum(b.received), 0)::bigint,
           coalesce(sum(b.payload_bytes), 0)::bigint,
           min(b.accepted_at), max(b.accepted_at),
           coalesce(sum(b.received) FILTER (WHERE b.accepted_at <= known), 0)::bigint,
           coalesce(sum(b.payload_bytes) FILTER (WHERE b.accepted_at <= known), 0)::bigint,
           statement_timestamp(),
           extract(epoch FROM clock_timestamp() - statement_timestamp())::double precision
    FROM ingest.batches b
    WHERE b.state = 'accepted'
$$;

REVOKE ALL ON FUNCTION ingest.backlog(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.backlog(timestamptz) TO ingest_app;
-- A function's owner must be able to create in its schema while it becomes the owner.
GRANT CREATE ON SCHEMA ingest TO ingest_lookup;
ALTER FUNCTION ingest.backlog(timestamptz) OWNER TO ingest_lookup;
REVOKE CREATE ON SCHEMA ingest FROM ingest_lookup;
