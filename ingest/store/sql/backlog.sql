-- name: backlog
-- What is accepted and unfinished, over all accounts; and of that, what was accepted by $1.
SELECT batches, items, bytes, oldest, newest, known_items, known_bytes, asked_at, seconds
FROM ingest.backlog($1)
