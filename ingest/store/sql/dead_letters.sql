-- name: list
-- The newest first, without repairs on their way.
SELECT b.id, b.account, b.collection, b.action, b.state, b.received, b.attempts, b.created_at,
       b.finished_at, b.error,
       EXISTS (SELECT FROM ingest.payloads p WHERE p.batch = b.id) AS has_payload
FROM ingest.batches b
WHERE ($1::text IS NULL OR b.account = $1) AND ($2::text IS NULL OR b.state = $2)
  AND b.created_at > '-infinity'
ORDER BY b.id DESC
LIMIT $3

-- name: lock_any
-- A batch of any account, locked, so that its payload is not removed before it is put back.
SELECT state, error IS NOT NULL AS broken FROM ingest.batches WHERE id = $1 FOR UPDATE

-- name: has_payload
SELECT EXISTS (SELECT FROM ingest.payloads WHERE batch = $1)

-- name: put_back
UPDATE ingest.batches
SET state = 'accepted', attempts = 0, error = NULL, finished_at = NULL
WHERE id = $1
