-- name: add_chunk
-- Another chunk of a batch that is being received, and what has arrived of it so far. No row where
-- it was given up meanwhile. $7 is NULL where no item of the chunk is to be kept.
WITH batch AS (
    UPDATE ingest.batches
    SET received = $4, invalid_so_far = $5, heartbeat_at = now()
    WHERE account = $1 AND id = $2 AND state = 'receiving' AND heartbeat_at > '-infinity'
    RETURNING id, account
), payload AS (
    INSERT INTO ingest.payloads (batch, chunk, account, first_index, records, raw)
    SELECT id, $3, account, $6, $7::bytea, $8 FROM batch WHERE $7 IS NOT NULL
), failures AS (
    INSERT INTO ingest.failures (batch, index, account, raw, errors)
    SELECT batch.id, f.index, batch.account, f.raw::json, f.errors::json
    FROM batch CROSS JOIN unnest($9::integer[], $10::text[], $11::text[]) AS f(index, raw, errors)
)
SELECT id FROM batch

-- name: beat
-- Its request still receives it.
UPDATE ingest.batches SET heartbeat_at = now()
WHERE account = $1 AND id = $2 AND state = 'receiving' AND heartbeat_at > '-infinity'

-- name: settle
-- All of it has arrived: `accepted` with its key, or `rejected`, which may be kept ($11) with it.
UPDATE ingest.batches b
SET state = $3, heartbeat_at = NULL, invalid_so_far = 0, options = $4,
    idempotency_key = $5, fingerprint = $6, payload_bytes = $9, refusal = $10, kept = $11,
    accepted_at = CASE WHEN $3 = 'accepted' THEN now() END,
    finished_at = CASE WHEN $3 = 'rejected' THEN now() END,
    invalid = ARRAY (
        SELECT f.index FROM ingest.failures f WHERE f.account = $1 AND f.batch = $2
        ORDER BY f.index
    )
WHERE b.account = $1 AND b.id = $2 AND b.state = 'receiving' AND b.heartbeat_at > '-infinity'
  AND b.received = $7 AND b.invalid_so_far = $8
RETURNING b.id

-- name: count_invalid
-- How many of its items have failures, with those that stored data refuses.
UPDATE ingest.batches SET invalid_so_far = $3
WHERE account = $1 AND id = $2 AND state = 'receiving' AND heartbeat_at > '-infinity'

-- name: wait_for_state
-- Its state once no transaction is about to change it.
SELECT state FROM ingest.batches WHERE account = $1 AND id = $2 FOR UPDATE

-- name: abandoned
SELECT account, id FROM ingest.abandoned_batches($1::interval, $2)

-- name: give_up
-- From here on nothing can be added to it, nor can it be accepted. NULL for the age: at once.
UPDATE ingest.batches SET heartbeat_at = '-infinity'
WHERE account = $1 AND id = $2 AND state = 'receiving'
  AND ($3::interval IS NULL OR heartbeat_at < now() - $3::interval)
RETURNING id

-- name: remove_payloads
-- The next chunks of a batch that will not be applied.
DELETE FROM ingest.payloads
WHERE account = $1 AND batch = $2 AND chunk IN (
    SELECT chunk FROM ingest.payloads WHERE account = $1 AND batch = $2 ORDER BY chunk LIMIT $3
)

-- name: remove_failures
DELETE FROM ingest.failures
WHERE account = $1 AND batch = $2 AND index IN (
    SELECT index FROM ingest.failures WHERE account = $1 AND batch = $2 ORDER BY index LIMIT $3
)

-- name: remove_changes
DELETE FROM ingest.changes
WHERE account = $1 AND batch = $2 AND index IN (
    SELECT index FROM ingest.changes WHERE account = $1 AND batch = $2 ORDER BY index LIMIT $3
)

-- name: remove_batch
DELETE FROM ingest.batches
WHERE account = $1 AND id = $2 AND state = 'receiving' AND heartbeat_at = '-infinity'
