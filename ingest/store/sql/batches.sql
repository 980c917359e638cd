-- name: insert_failures
-- Indices, raw items and errors, side by side. As texts: a JSON array of them would be read, and
-- raw items may hold what PostgreSQL cannot read, such as \u0000.
INSERT INTO ingest.failures (batch, index, account, raw, errors)
SELECT $1, f.index, $2, f.raw::json, f.errors::json
FROM unnest($3::integer[], $4::text[], $5::text[]) AS f(index, raw, errors)

-- name: get_batch
SELECT id, account, collection, action, options, state, received, invalid, created_at, accepted_at,
       finished_at, created, updated, unchanged, deleted, outcomes, data,
       coalesce(error, refusal) AS error, token, invalid_so_far
FROM ingest.batches
WHERE account = $1 AND id = $2 AND NOT withdrawn

-- name: get_batches
SELECT id, account, collection, action, options, state, received, invalid, created_at, accepted_at,
       finished_at, created, updated, unchanged, deleted, outcomes, data,
       coalesce(error, refusal) AS error, token, invalid_so_far,
       EXISTS (SELECT FROM ingest.quotas WHERE account = $1) AS limited
FROM ingest.batches
WHERE account = $1 AND id = ANY($2) AND NOT withdrawn

-- name: get_batches_of
-- As get_batches, in a transaction of its own that has no account yet. Whether the account has
-- limits is asked once there is a batch, and so after its account is set.
SELECT id, account, collection, action, options, state, received, invalid, created_at, accepted_at,
       finished_at, created, updated, unchanged, deleted, outcomes, data,
       coalesce(error, refusal) AS error, token, invalid_so_far,
       EXISTS (SELECT FROM ingest.quotas q WHERE q.account = b.account) AS limited
FROM ingest.batches_of($1, $2) b
WHERE NOT withdrawn

-- name: list_batches
-- The newest first, without what they came to. Only batches of the collections $2, or of the token
-- $4; and, where the caller is confined to the groups $3, only of senders confined to the same or
-- to fewer.
SELECT id, account, collection, action, options, state, received, invalid, created_at, accepted_at,
       finished_at, created, updated, unchanged, deleted, NULL AS outcomes, NULL AS data,
       coalesce(error, refusal) AS error, token, invalid_so_far
FROM ingest.batches
WHERE account = $1 AND NOT withdrawn
  AND ($2::text[] IS NULL OR collection = ANY($2) OR token = $4)
  AND ($3::jsonb IS NULL OR options::jsonb -> 'groups' <@ $3)
ORDER BY id DESC
LIMIT $5 OFFSET $6

-- name: count_batches
SELECT count(*) FROM ingest.batches
WHERE account = $1 AND NOT withdrawn
  AND ($2::text[] IS NULL OR collection = ANY($2) OR token = $4)
  AND ($3::jsonb IS NULL OR options::jsonb -> 'groups' <@ $3)

-- name: get_failures
-- The first $3 of each batch.
SELECT f.batch, f.index, f.raw, f.errors
FROM unnest($2::uuid[]) AS b(id)
CROSS JOIN LATERAL (
    SELECT batch, index, raw, errors
    FROM ingest.failures
    WHERE account = $1 AND batch = b.id
    ORDER BY index
    LIMIT $3
) f

-- name: finished_among
-- Which of these batches are finished?
SELECT id
FROM ingest.batches
WHERE account = $1 AND id = ANY($2) AND state IN ('committed', 'rejected', 'failed')

-- name: find_by_key
-- An unfinished batch keeps its key, however old it is.
SELECT id, fingerprint,
       coalesce(finished_at < now() - $3::interval, false) AS expired
FROM ingest.batches
WHERE account = $1 AND idempotency_key = $2

-- name: forget_key
-- A key that is older than it is kept may be used again. Its batch may have been put back since that
-- was found, and have finished just now.
UPDATE ingest.batches
SET idempotency_key = NULL, fingerprint = NULL
WHERE account = $1 AND id = $2 AND finished_at < now() - $3::interval

-- name: lock_collection
-- Whoever holds this row is the one writer of the collection.
SELECT items FROM ingest.counters WHERE account = $1 AND collection = $2 FOR UPDATE

-- name: insert_counter
INSERT INTO ingest.counters (account, collection) VALUES ($1, $2) ON CONFLICT DO NOTHING

-- name: lock_batch
-- An accepted batch, locked; no row where another worker has finished it, or is about to: a
-- second ring for a batch must not wait for the first.
SELECT id, account, collection, action, options, state, received, invalid, created_at, accepted_at,
       finished_at, created, updated, unchanged, deleted, outcomes, data, error, token, trace_id,
       invalid_so_far,
       EXISTS (SELECT FROM ingest.quotas WHERE account = $1) AS limited
FROM ingest.batches
WHERE account = $1 AND id = $2 AND state = 'accepted'
FOR UPDATE SKIP LOCKED

-- name: take_waiting
-- In a transaction that has no account yet; what it is, see the function. Whether the account has
-- limits is asked once there is a batch, and so after its account is set.
SELECT id, account, collection, action, options, state, received, invalid, created_at, accepted_at,
       finished_at, created, updated, unchanged, deleted, outcomes, data, error, token,
       invalid_so_far,
       EXISTS (SELECT FROM ingest.quotas q WHERE q.account = b.account) AS limited
FROM ingest.take_waiting($1, $2, $3) b

-- name: finish_failed
-- A failed batch frees its key: the corrected request may use it.
UPDATE ingest.batches
SET state = 'failed', finished_at = statement_timestamp(), invalid = $3,
    idempotency_key = NULL, fingerprint = NULL
WHERE account = $1 AND id = $2
RETURNING id AS batch, account, token, trace_id, collection, action, state, received,
          cardinality(invalid) AS invalid, created, updated, unchanged, deleted

-- name: finish_broken
-- A batch that the service cannot commit keeps its key: sending it again would not help.
UPDATE ingest.batches
SET state = 'failed', finished_at = statement_timestamp(), error = $3
WHERE account = $1 AND id = $2 AND state = 'accepted'
RETURNING id AS batch, account, token, trace_id, collection, action, state, received,
          cardinality(invalid) AS invalid, created, updated, unchanged, deleted

-- name: finish_refused
-- A batch that a limit does not allow frees its key, like one that failed for its items.
UPDATE ingest.batches
SET state = 'failed', finished_at = statement_timestamp(), refusal = $3,
    idempotency_key = NULL, fingerprint = NULL
WHERE account = $1 AND id = $2
RETURNING id AS batch, account, token, trace_id, collection, action, state, received,
          cardinality(invalid) AS invalid, created, updated, unchanged, deleted

-- name: count_attempt
UPDATE ingest.batches SET attempts = attempts + 1
WHERE account = $1 AND id = $2 AND state = 'accepted'
RETURNING attempts

-- name: unfinished
SELECT account, collection, id FROM ingest.unfinished_batches($1::interval, $2)

-- name: chunks
SELECT chunk, first_index FROM ingest.payloads WHERE account = $1 AND batch = $2 ORDER BY chunk

-- name: payload
SELECT records, raw FROM ingest.payloads WHERE account = $1 AND batch = $2 AND chunk = $3
