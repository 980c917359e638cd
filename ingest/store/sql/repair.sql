-- name: kept_bytes
-- What an account keeps to be repaired, but for one batch; each counts $3 bytes more.
SELECT coalesce(sum(payload_bytes + $3::bigint), 0)::bigint
FROM ingest.batches
WHERE account = $1 AND kept AND id IS DISTINCT FROM $2

-- name: begin
-- A batch for the changes that arrive, which no list shows. It needs nothing of the other but that it
-- can be read.
INSERT INTO ingest.batches (
    id, account, collection, action, options, trace_id, token, layout,
    state, received, created_at, heartbeat_at
)
SELECT $3, b.account, b.collection, b.action, b.options, $4, $5, b.layout,
       'receiving', 0, '-infinity', now()
FROM ingest.batches b
WHERE b.account = $1 AND b.id = $2

-- name: add
-- More changes, side by side, and a sign of life; no row where they were given up. Those whose index
-- is there already are left out.
WITH repair AS (
    UPDATE ingest.batches SET heartbeat_at = now()
    WHERE account = $1 AND id = $2 AND state = 'receiving' AND heartbeat_at > '-infinity'
    RETURNING id, account
), added AS (
    INSERT INTO ingest.changes (batch, index, account, record, raw, errors)
    SELECT repair.id, c.index, repair.account, c.record::json, c.raw::json, c.errors::json
    FROM repair CROSS JOIN unnest($3::integer[], $4::text[], $5::text[], $6::text[])
        AS c(index, record, raw, errors)
    ON CONFLICT DO NOTHING
    RETURNING index
)
SELECT ARRAY (SELECT index FROM added) AS added FROM repair

-- name: changes
-- Those with an index from $3 to before $4, in order: as many as fit into $6 bytes, and at least one.
SELECT index, record, raw
FROM (
    SELECT index, record, raw, sum(size) OVER (ORDER BY index) - size AS before
    FROM (
        SELECT index, record::text AS record, CASE WHEN record IS NOT NULL THEN raw::text END AS raw,
               coalesce(octet_length(record::text), 0) + coalesce(octet_length(raw::text), 0) AS size
        FROM ingest.changes
        WHERE account = $1 AND batch = $2 AND index >= $3 AND index < $4
        ORDER BY index
        LIMIT $5
    ) next
) sized
WHERE before < $6
ORDER BY index

-- name: rewrite_chunk
UPDATE ingest.payloads SET first_index = $4, records = $5, raw = $6
WHERE account = $1 AND batch = $2 AND chunk = $3

-- name: insert_chunk
INSERT INTO ingest.payloads (account, batch, chunk, first_index, records, raw)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: payload_size
SELECT coalesce(sum(octet_length(records) + coalesce(octet_length(raw), 0)), 0)::bigint
FROM ingest.payloads
WHERE account = $1 AND batch = $2

-- name: forget_failures
-- What is looked at again: items that are changed by the repair $3, and those that only stored data
-- or another item had refused.
DELETE FROM ingest.failures f
WHERE f.account = $1 AND f.batch = $2
  AND (f.conflict OR EXISTS (
      SELECT FROM ingest.changes c
      WHERE c.account = $1 AND c.batch = $3 AND c.index = f.index
  ))

-- name: keep_failures
-- The changed items that are invalid.
INSERT INTO ingest.failures (batch, index, account, raw, errors)
SELECT $2, c.index, c.account, c.raw, c.errors
FROM ingest.changes c
WHERE c.account = $1 AND c.batch = $3 AND c.errors IS NOT NULL

-- name: count_failures
SELECT count(*)::integer FROM ingest.failures WHERE account = $1 AND batch = $2

-- name: dropped
-- The items that are left out once the repair $3 is merged.
SELECT ARRAY (
    SELECT d.index FROM ingest.batches b CROSS JOIN unnest(b.dropped) AS d(index)
    WHERE b.account = $1 AND b.id = $2 AND NOT EXISTS (
        SELECT FROM ingest.changes c
        WHERE c.account = $1 AND c.batch = $3 AND c.index = d.index
    )
    UNION ALL
    SELECT c.index FROM ingest.changes c
    WHERE c.account = $1 AND c.batch = $3 AND c.record IS NULL AND c.errors IS NULL
    ORDER BY 1
)

-- name: lock
SELECT kept, repairs FROM ingest.batches WHERE account = $1 AND id = $2 FOR UPDATE

-- name: accept
-- Nothing is known to be wrong with it any more: a worker applies it like any other.
UPDATE ingest.batches
SET state = 'accepted', accepted_at = now(), finished_at = NULL, attempts = 0, invalid = $3,
    refusal = NULL, kept = false, repairs = repairs + 1, dropped = $3, payload_bytes = $4
WHERE account = $1 AND id = $2

-- name: refuse
-- It stays as it is but for what was changed, and is kept for as long again.
UPDATE ingest.batches b
SET finished_at = statement_timestamp(), repairs = repairs + 1, dropped = $3, payload_bytes = $4,
    refusal = $5, invalid = ARRAY (
        SELECT f.index FROM ingest.failures f WHERE f.account = $1 AND f.batch = $2
        UNION ALL SELECT unnest($3::integer[])
        ORDER BY 1
    )
WHERE b.account = $1 AND b.id = $2

-- name: give_up
UPDATE ingest.batches SET kept = false, idempotency_key = NULL, fingerprint = NULL
WHERE account = $1 AND id = $2
