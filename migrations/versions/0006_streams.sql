-- What streams need. Run by 0006_streams.py.

-- No index holds any of these: each chunk that arrives updates them in place.
ALTER TABLE ingest.batches
    ADD COLUMN heartbeat_at timestamptz,
    ADD COLUMN invalid_so_far integer NOT NULL DEFAULT 0;
UPDATE ingest.batches SET heartbeat_at = '-infinity' WHERE state = 'receiving';
ALTER TABLE ingest.batches
    ADD CONSTRAINT receiving_has_a_heartbeat
        CHECK ((state = 'receiving') = (heartbeat_at IS NOT NULL)),
    ADD CONSTRAINT receiving_has_no_key
        CHECK (state <> 'receiving' OR idempotency_key IS NULL);
COMMENT ON COLUMN ingest.batches.heartbeat_at IS
    'when the last of it arrived, while it is received; -infinity once it is being removed';
COMMENT ON COLUMN ingest.batches.invalid_so_far IS 'how many items are invalid, while it is received';

ALTER TABLE ingest.payloads ADD COLUMN first_index integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN ingest.payloads.first_index IS 'no item of the chunk has a lower index';

CREATE INDEX batches_receiving ON ingest.batches (id) WHERE state = 'receiving';

-- Batches that nobody receives any more.
CREATE FUNCTION ingest.abandoned_batches(older_than interval, at_most integer)
    RETURNS TABLE (account text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT b.account, b.id
    FROM ingest.batches b
    WHERE b.state = 'receiving' AND b.heartbeat_at < now() - older_than
    ORDER BY b.id
    LIMIT at_most
$$;

REVOKE ALL ON FUNCTION ingest.abandoned_batches(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.abandoned_batches(interval, integer) TO ingest_app;
-- A function's owner must be able to create in its schema while it becomes the owner.
GRANT CREATE ON SCHEMA ingest TO ingest_lookup;
ALTER FUNCTION ingest.abandoned_batches(interval, integer) OWNER TO ingest_lookup;
REVOKE CREATE ON SCHEMA ingest FROM ingest_lookup;
