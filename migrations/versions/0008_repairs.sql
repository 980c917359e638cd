-- A strict batch that is refused for its items can be kept, and repaired in place.
ALTER TABLE ingest.batches
    ADD COLUMN kept boolean NOT NULL DEFAULT false,
    ADD COLUMN repairs integer NOT NULL DEFAULT 0 CHECK (repairs >= 0),
    ADD COLUMN dropped integer[] NOT NULL DEFAULT '{}',
    DROP CONSTRAINT rejected_frees_its_key,
    ADD CONSTRAINT rejected_frees_its_key
        CHECK (state <> 'rejected' OR idempotency_key IS NULL OR kept),
    ADD CONSTRAINT only_a_failure_is_kept
        CHECK (NOT kept OR state IN ('rejected', 'failed'));
COMMENT ON COLUMN ingest.batches.invalid IS
    'indices of the items that are not saved, ascending: invalid ones, and dropped ones';
COMMENT ON COLUMN ingest.batches.kept IS
    'whether its payload, its failures and its key are kept to be repaired';
COMMENT ON COLUMN ingest.batches.repairs IS 'how often it was repaired; it is at attempt repairs + 1';
COMMENT ON COLUMN ingest.batches.dropped IS 'indices of the items that a repair left out, ascending';
CREATE INDEX batches_kept ON ingest.batches (account) INCLUDE (payload_bytes) WHERE kept;
CREATE INDEX batches_kept_since ON ingest.batches (finished_at) WHERE kept;

ALTER TABLE ingest.failures ADD COLUMN conflict boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN ingest.failures.conflict IS
    'whether the item is valid by itself, and so among the records of its batch';

-- The corrected items of a repair on its way, until they are merged into the batch that it is for.
-- `batch` is the repair's own: it is `receiving`, in no list, and given up as a stream is.
CREATE TABLE ingest.changes (
    batch    uuid REFERENCES ingest.batches ON DELETE CASCADE,
    index    integer CHECK (index >= 0),
    account  ingest.account_name NOT NULL,
    record   json,
    raw      json,
    errors   json,
    PRIMARY KEY (batch, index),
    CONSTRAINT invalid_or_valid CHECK (errors IS NULL OR (record IS NULL AND raw IS NOT NULL))
);
COMMENT ON COLUMN ingest.changes.record IS 'NULL where the item is invalid, or is dropped';
COMMENT ON COLUMN ingest.changes.raw IS 'as it was received, where its record does not say it';
ALTER TABLE ingest.changes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON ingest.changes TO ingest_app;
CREATE POLICY own_account ON ingest.changes TO ingest_app
    USING (account = current_setting('ingest.account', true));

-- Of what is kept to be repaired nothing expires: workers of versions before call this, too.
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
       AND NOT b.kept
     ORDER BY p.batch LIMIT at_most)
    UNION ALL
    (SELECT 'answer', b.account, b.id
     FROM ingest.batches b
     WHERE b.finished_at IS NOT NULL AND (b.data IS NOT NULL OR b.idempotency_key IS NOT NULL)
       AND b.finished_at < now() - answer_age AND NOT b.kept
     ORDER BY b.finished_at LIMIT at_most)
    UNION ALL
    (SELECT DISTINCT 'failures', b.account, f.batch
     FROM ingest.failures f
     CROSS JOIN LATERAL (SELECT * FROM ingest.batches b WHERE b.id = f.batch LIMIT 1) b
     WHERE f.batch < (SELECT row FROM before)
       AND b.finished_at < now() - row_age AND NOT b.kept
     ORDER BY f.batch LIMIT at_most)
    UNION ALL
    (SELECT 'row', b.account, b.id
     FROM ingest.batches b
     WHERE (b.state IN ('rejected', 'failed')
            OR (b.state = 'committed' AND b.created = 0 AND b.updated = 0))
       AND b.finished_at < now() - row_age AND b.idempotency_key IS NULL AND NOT b.kept
     ORDER BY b.finished_at LIMIT at_most)
$$;

-- Batches that are kept to be repaired for too long, the oldest first.
CREATE FUNCTION ingest.expired_repairs(age interval, at_most integer)
    RETURNS TABLE (account text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT b.account, b.id
    FROM ingest.batches b
    WHERE b.kept AND b.finished_at < now() - age
    ORDER BY b.finished_at
    LIMIT at_most
$$;
REVOKE ALL ON FUNCTION ingest.expired_repairs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.expired_repairs TO ingest_app;
GRANT CREATE ON SCHEMA ingest TO ingest_lookup;
ALTER FUNCTION ingest.expired_repairs OWNER TO ingest_lookup;
REVOKE CREATE ON SCHEMA ingest FROM ingest_lookup;
