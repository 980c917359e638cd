-- name: expired
-- Batches of all accounts that have something which is no longer kept.
SELECT kind, account, id
FROM ingest.expired_batches($1::interval, $2::interval, $3::interval, $4)

-- name: expired_repairs
SELECT 'repair' AS kind, account, id FROM ingest.expired_repairs($1::interval, $2)

-- name: expired_images
SELECT account, collection, id FROM ingest.expired_images($1::interval, $2)

-- name: excess_images
SELECT account, collection, id FROM ingest.excess_images($1, $2)

-- name: remove_images
DELETE FROM ingest.before_images WHERE account = $1 AND batch = ANY ($2)

-- name: due
-- Each removal looks again at what the search found, under the batch's lock: a failed batch may have
-- been put back in between. $2 are ids of the account $1, $3 is the age.
WITH due AS (
    SELECT id FROM ingest.batches
    WHERE account = $1 AND id = ANY($2) AND finished_at < now() - $3::interval AND NOT kept
    FOR UPDATE SKIP LOCKED
)

-- name: remove_payload
{due} DELETE FROM ingest.payloads p USING due WHERE p.account = $1 AND p.batch = due.id

-- name: remove_answer
{due} UPDATE ingest.batches b
SET data = NULL, idempotency_key = NULL, fingerprint = NULL
FROM due WHERE b.account = $1 AND b.id = due.id

-- name: remove_failures
{due} DELETE FROM ingest.failures f USING due WHERE f.account = $1 AND f.batch = due.id

-- name: remove_row
-- A row that a stored item names stays for as long as the item does, and so for ever.
{due} DELETE FROM ingest.batches b
USING due
WHERE b.account = $1 AND b.id = due.id AND b.idempotency_key IS NULL
  AND (b.state IN ('rejected', 'failed')
       OR (b.state = 'committed' AND b.created = 0 AND b.updated = 0))

-- name: remove_repair
-- From here on they are batches that were refused, and kept as such.
UPDATE ingest.batches
SET kept = false, idempotency_key = NULL, fingerprint = NULL
WHERE account = $1 AND id = ANY($2) AND kept AND finished_at < now() - $3::interval
