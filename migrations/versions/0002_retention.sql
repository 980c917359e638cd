-- What expires, and the door through which the sweeper finds it. Run by 0002_retention.py.

-- Finished batches that still have their answer or their key.
CREATE INDEX batches_with_answer ON ingest.batches (finished_at)
    WHERE finished_at IS NOT NULL AND (data IS NOT NULL OR idempotency_key IS NOT NULL);
-- Finished batches that no stored item can name: those that created and updated nothing.
CREATE INDEX batches_unnamed ON ingest.batches (finished_at)
    WHERE state IN ('rejected', 'failed') OR (state = 'committed' AND created = 0 AND updated = 0);

-- Which batch has something, and nothing of what it has.
GRANT SELECT (batch) ON ingest.payloads, ingest.failures TO ingest_lookup;
CREATE POLICY lookup ON ingest.payloads FOR SELECT TO ingest_lookup USING (true);
CREATE POLICY lookup ON ingest.failures FOR SELECT TO ingest_lookup USING (true);

-- At most `at_most` batches of each kind. Only finished ones, and only by when they finished; ids
-- begin with the time at which they were made, so what is older than `before` needs no other index.
CREATE FUNCTION ingest.expired_batches(
    payload_age interval, answer_age interval, row_age interval, at_most integer
)
    RETURNS TABLE (kind text, account text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH before AS (
        SELECT (lpad(to_hex((extract(epoch FROM now() - payload_age) * 1000)::bigint), 12, '0')
                || repeat('0', 20))::uuid AS payload,
               (lpad(to_hex((extract(epoch FROM now() - row_age) * 1000)::bigint), 12, '0')
                || repeat('0', 20))::uuid AS row
    )
    -- The payload of a batch that failed for the service's own reason is for `ingest batches retry`.
    (SELECT DISTINCT 'payload', b.account, p.batch
     FROM ingest.payloads p JOIN ingest.batches b ON b.id = p.batch
     WHERE p.batch < (SELECT payload FROM before)
       AND b.finished_at < now() - CASE WHEN b.error IS NULL THEN payload_age ELSE row_age END
     ORDER BY p.batch LIMIT at_most)
    UNION ALL
    (SELECT 'answer', b.account, b.id
     FROM ingest.batches b
     WHERE b.finished_at IS NOT NULL AND (b.data IS NOT NULL OR b.idempotency_key IS NOT NULL)
       AND b.finished_at < now() - answer_age
     ORDER BY b.finished_at LIMIT at_most)
    UNION ALL
    (SELECT DISTINCT 'failures', b.account, f.batch
     FROM ingest.failures f JOIN ingest.batches b ON b.id = f.batch
     WHERE f.batch < (SELECT row FROM before)
       AND b.finished_at < now() - row_age
     ORDER BY f.batch LIMIT at_most)
    UNION ALL
    (SELECT 'row', b.account, b.id
     FROM ingest.batches b
     WHERE (b.state IN ('rejected', 'failed')
            OR (b.state = 'committed' AND b.created = 0 AND b.updated = 0))
       AND b.finished_at < now() - row_age AND b.idempotency_key IS NULL
     ORDER BY b.finished_at LIMIT at_most)
$$;

REVOKE ALL ON FUNCTION ingest.expired_batches(interval, interval, interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.expired_batches(interval, interval, interval, integer)
    TO ingest_app;
-- A function's owner must be able to create in its schema while it becomes the owner.
GRANT CREATE ON SCHEMA ingest TO ingest_lookup;
ALTER FUNCTION ingest.expired_batches(interval, interval, interval, integer)
    OWNER TO ingest_lookup;
REVOKE CREATE ON SCHEMA ingest FROM ingest_lookup;
