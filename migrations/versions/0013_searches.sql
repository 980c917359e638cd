-- Searches that read what they look for, whatever the planner believes. Run by 0013_searches.py.

-- Both indexes say of themselves what only their own searches ask for, as batches_listed does. Most
-- of the time next to nothing waits, and reading all that does looked cheaper than a look-up: the
-- plan was kept, and read the batches of all accounts for each commit once there was a backlog.
DROP INDEX ingest.batches_accepted;
CREATE INDEX batches_accepted ON ingest.batches (accepted_at) INCLUDE (received, payload_bytes)
    WHERE state = 'accepted' AND accepted_at IS NOT NULL;
DROP INDEX ingest.batches_waiting;
CREATE INDEX batches_waiting ON ingest.batches (account, collection, id)
    WHERE state = 'accepted' AND attempts = 0;

-- As in 0004, but for the words that let it use the index.
CREATE OR REPLACE FUNCTION ingest.backlog(known timestamptz)
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
    WHERE b.state = 'accepted' AND b.accepted_at IS NOT NULL
$$;

-- As in 0010, but for the order. By id alone the primary key has it, too, and where the planner was
-- last told that nearly all batches wait, it walks along that until it has found enough: past every
-- batch that there ever was. An equality would make it an order by id alone again.
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
          AND b.state = 'accepted' AND b.attempts = 0
        ORDER BY b.collection, b.id
        LIMIT at_most
        FOR UPDATE SKIP LOCKED;
END $$;

-- As in 0002, but that batches are looked up (LIMIT keeps it so): joined plainly, they may be read
-- along their primary key from the first that there ever was.
CREATE OR REPLACE FUNCTION ingest.expired_batches(
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
     FROM ingest.payloads p
     CROSS JOIN LATERAL (SELECT * FROM ingest.batches b WHERE b.id = p.batch LIMIT 1) b
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
     FROM ingest.failures f
     CROSS JOIN LATERAL (SELECT * FROM ingest.batches b WHERE b.id = f.batch LIMIT 1) b
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
