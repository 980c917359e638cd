-- name: withdraw
-- Take the ids of batches that nobody has written yet, so that nobody ever will: a statement that
-- is still on its way finds them taken, and writes nothing. Where one is at work already, this
-- waits for its end. No key, no payload, and nothing that anybody is shown; with its options, which
-- API processes of a release that knows nothing of such rows read.
INSERT INTO ingest.batches
    (id, account, collection, action, options, state, trace_id, received, finished_at, withdrawn)
SELECT b.id, $1, b.collection, b.action, b.options, 'rejected', b.trace_id, 0, now(), true
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::json[], $6::text[])
    AS b(id, collection, action, options, trace_id)
ON CONFLICT DO NOTHING

-- name: written
SELECT id FROM ingest.batches WHERE account = $1 AND id = ANY($2) AND NOT withdrawn
