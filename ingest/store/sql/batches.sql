-- name: listed
-- What a Batch in a list is made of, of the row b of `ingest.batches`. The account may be set in the
-- same query, so whether it has limits is looked up for b, once there is a b.
b.id, b.account, b.collection, b.action, b.options, b.token, b.trace_id, b.layout, b.state, b.created_at,
    b.accepted_at, b.finished_at, b.received, b.created, b.updated,
    b.unchanged, b.deleted, b.payload_bytes, coalesce(b.error, b.refusal) AS error, b.kept, b.repairs,
    b.dropped,
    EXISTS (SELECT FROM ingest.quotas q WHERE q.account = b.account) AS limited

-- name: batch
-- The same of any other batch.
{listed}, b.invalid, b.invalid_so_far

-- name: finished
-- What a Finished is made of.
b.id AS batch, b.account, b.token, b.trace_id, b.collection, b.action, b.state, b.received,
    cardinality(b.invalid) - cardinality(b.dropped) AS invalid,
    b.created, b.updated, b.unchanged, b.deleted, b.repairs

-- name: get_batch
SELECT {batch}, b.outcomes, b.data
FROM ingest.batches b
WHERE b.account = $1 AND b.id = $2

-- name: get_batches
SELECT {batch}, b.outcomes, b.data
FROM ingest.batches b
WHERE b.account = $1 AND b.id = ANY($2)

-- name: get_batches_of
-- As get_batches, without a transaction: the function sets the account.
SELECT {batch}, b.outcomes, b.data
FROM ingest.batches_of($1, $2) b

-- name: visible
-- Batches of the collections $2, or of the token $4; and, where the caller is confined to the groups
-- $3, only those of senders confined to the same or to fewer; in the state $5, of the collection $6,
-- begun since $7. The time of making is for the index batches_listed.
FROM ingest.batches b
WHERE b.account = $1 AND b.created_at > '-infinity'
  AND ($2::text[] IS NULL OR b.collection = ANY($2) OR b.token = $4)
  AND ($3::jsonb IS NULL OR b.options::jsonb -> 'groups' <@ $3)
  AND ($5::text IS NULL OR b.state = $5)
  AND ($6::text IS NULL OR b.collection = $6)
  AND ($7::timestamptz IS NULL OR b.created_at >= $7)

-- name: list_batches
-- The newest first, without the items that they saved, and the indices of those that are invalid.
SELECT {listed}, '{}'::integer[] AS invalid,
       greatest(b.invalid_so_far, cardinality(b.invalid) - cardinality(b.dropped)) AS invalid_so_far,
       NULL AS outcomes, NULL AS data
{visible}
  AND b.id < coalesce($8::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY b.id DESC
LIMIT $9 OFFSET $10

-- name: get_listed
-- As list_batches, the one with an id.
SELECT {listed}, '{}'::integer[] AS invalid,
       greatest(b.invalid_so_far, cardinality(b.invalid) - cardinality(b.dropped)) AS invalid_so_far,
       NULL AS outcomes, NULL AS data
FROM ingest.batches b
WHERE b.account = $1 AND b.id = $2

-- name: list_batches_of_key
-- As list_batches, the one that holds an idempotency key.
SELECT {listed}, '{}'::integer[] AS invalid,
       greatest(b.invalid_so_far, cardinality(b.invalid) - cardinality(b.dropped)) AS invalid_so_far,
       NULL AS outcomes, NULL AS data
{visible}
  AND b.idempotency_key = $8

-- name: count_batches
SELECT count(*)
{visible}

-- name: finished_among
SELECT id
FROM ingest.batches
WHERE account = $1 AND id = ANY($2) AND state IN ('committed', 'rejected', 'failed')

-- name: find_by_key
-- An unfinished batch keeps its key, however old it is.
SELECT id, fingerprint,
       coalesce(finished_at < now() - $3::interval AND NOT kept, false) AS expired
FROM ingest.batches
WHERE account = $1 AND idempotency_key = $2

-- name: forget_key
-- A key that is older than it is kept may be used again. Its batch may have been put back since that
-- was found, and have finished just now.
UPDATE ingest.batches
SET idempotency_key = NULL, fingerprint = NULL
WHERE account = $1 AND id = $2 AND finished_at < now() - $3::interval AND NOT kept

-- name: lock_batch
-- An accepted batch, locked; no row where another worker has finished it, or is about to: a second
-- job for a batch must not wait for the first.
SELECT {batch}, b.outcomes, b.data, b.attempts
FROM ingest.batches b
WHERE b.account = $1 AND b.id = $2 AND b.state = 'accepted'
FOR UPDATE SKIP LOCKED

-- name: take_waiting
-- The next pending batches of a collection, locked, but those of the layouts $4 and those in $5; the
-- function sets the account.
SELECT {batch}, b.outcomes, b.data
FROM ingest.take_waiting($1, $2, $3, $4, $5) b

-- name: finish_refused
-- A batch that its items or a limit of the account do not allow frees its key: the corrected request
-- may use it. One that is kept to be repaired keeps its key. $3 are its invalid and dropped items; $4 is
-- the limit, also where items are why and the others would have passed it; $5 whether it is to be kept
-- where the account keeps no more than $6 bytes with it, each batch with $7 more than its items.
WITH held AS (
    SELECT coalesce(sum(k.payload_bytes + $7::bigint), 0) AS bytes
    FROM ingest.batches k
    WHERE $5 AND k.account = $1 AND k.kept
), settled AS (
    SELECT b.id, $5 AND held.bytes + b.payload_bytes + $7 <= $6::bigint AS kept
    FROM ingest.batches b CROSS JOIN held
    WHERE b.account = $1 AND b.id = $2
)
UPDATE ingest.batches b
SET state = 'failed', finished_at = statement_timestamp(), invalid = $3, refusal = $4,
    kept = settled.kept,
    idempotency_key = CASE WHEN settled.kept THEN b.idempotency_key END,
    fingerprint = CASE WHEN settled.kept THEN b.fingerprint END
FROM settled
WHERE b.account = $1 AND b.id = settled.id
RETURNING {finished}

-- name: finish_broken
-- A batch that the service cannot commit keeps its key: sending it again would not help.
UPDATE ingest.batches b
SET state = 'failed', finished_at = statement_timestamp(), error = $3
WHERE b.account = $1 AND b.id = $2 AND b.state = 'accepted'
RETURNING {finished}

-- name: count_attempt
UPDATE ingest.batches SET attempts = attempts + 1
WHERE account = $1 AND id = $2 AND state = 'accepted'
RETURNING attempts

-- name: unfinished
SELECT account, collection, id FROM ingest.unfinished_batches($1::interval, $2, $3)

-- name: chunks
-- In the order of their items: a repair may have cut some in two.
SELECT chunk, first_index FROM ingest.payloads
WHERE account = $1 AND batch = $2
ORDER BY first_index, chunk

-- name: payload
SELECT records, raw FROM ingest.payloads WHERE account = $1 AND batch = $2 AND chunk = $3

-- name: backlog
-- What is pending over all accounts, under NULL, and of each of the $2 with the most; and of that,
-- what was accepted by $1.
SELECT account, batches, items, bytes, oldest, newest, known_items, known_bytes, asked_at, seconds
FROM ingest.backlog_by_account($1, $2)
