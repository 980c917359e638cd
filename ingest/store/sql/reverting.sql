-- name: before_images
-- How much is kept of what a batch changed and deleted.
SELECT coalesce(sum(bytes), 0)::bigint AS bytes, count(*) > 0 AS kept
FROM ingest.before_images
WHERE account = $1 AND batch = $2
