-- name: is_collection
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_class
    WHERE relnamespace = to_regnamespace(quote_ident($1)) AND relname = $2 AND relkind = 'r'
)

-- name: set_quota
INSERT INTO ingest.quotas (account, collection, maximum) VALUES ($1, $2, $3)
ON CONFLICT (account, collection) DO UPDATE SET maximum = excluded.maximum

-- name: remove_quota
DELETE FROM ingest.quotas WHERE account = $1 AND collection = $2

-- name: list_quotas
SELECT q.account, q.collection, q.maximum, coalesce(
           (SELECT sum(c.items) FROM ingest.counters c
            WHERE c.account = q.account AND (q.collection = '*' OR c.collection = q.collection)),
           0
       )::bigint AS items
FROM ingest.quotas q
WHERE $1::text IS NULL OR q.account = $1
ORDER BY q.account, q.collection

-- name: holdings
-- Every collection of which the account has items, or may have so many.
SELECT coalesce(c.collection, q.collection) AS collection, coalesce(c.items, 0) AS items, q.maximum
FROM (SELECT * FROM ingest.counters WHERE account = $1) c
FULL JOIN (SELECT * FROM ingest.quotas WHERE account = $1) q ON q.collection = c.collection

-- name: lock_counter
-- The transaction that holds this row is the only one that writes to the collection.
SELECT items FROM ingest.counters WHERE account = $1 AND collection = $2 FOR UPDATE

-- name: insert_counter
INSERT INTO ingest.counters (account, collection) VALUES ($1, $2) ON CONFLICT DO NOTHING

-- name: change
SELECT sum(created)::integer AS created, sum(updated)::integer AS updated,
       sum(unchanged)::integer AS unchanged, sum(deleted)::integer AS deleted
FROM ingest.batches
WHERE account = $1 AND id = ANY ($2)
