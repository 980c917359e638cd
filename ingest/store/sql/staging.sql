-- name: stage
-- New batches of one account with their payloads and failures, side by side, in one round trip.
-- Returns the ids of those that were written: the others' idempotency keys are taken. $1 becomes
-- the transaction's account before the first row is written, and every row is checked against it.
WITH here AS MATERIALIZED (
    SELECT set_config('ingest.account', $1, true) AS account
), written AS (
    INSERT INTO ingest.batches (
        id, account, collection, action, options, state, idempotency_key, fingerprint, trace_id,
        received, invalid, payload_bytes, accepted_at, finished_at, heartbeat_at, token, layout,
        refusal, kept
    )
    SELECT b.id, here.account, b.collection, b.action, b.options::json, b.state, b.key,
           b.fingerprint, b.trace_id, b.received, b.invalid::integer[], b.payload_bytes,
           CASE WHEN b.state = 'accepted' THEN now() END,
           CASE WHEN b.state = 'rejected' THEN now() END,
           CASE WHEN b.state = 'receiving' THEN now() END, b.token, b.layout,
           b.refusal::json, b.kept
    FROM here CROSS JOIN unnest(
        $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[],
        $9::text[], $10::integer[], $11::text[], $18::bigint[], $19::uuid[],
        $20::text[], $21::text[], $22::boolean[]
    ) AS b(id, collection, action, options, state, key, fingerprint, trace_id, received, invalid,
           payload_bytes, token, layout, refusal, kept)
    ON CONFLICT DO NOTHING
    RETURNING id, account
), payloads AS (
    INSERT INTO ingest.payloads (batch, chunk, account, records, raw)
    SELECT written.id, 0, written.account, p.records, p.raw
    FROM written JOIN unnest($2::uuid[], $12::bytea[], $13::bytea[]) AS p(id, records, raw)
        ON p.id = written.id
    WHERE p.records IS NOT NULL
), failures AS (
    -- As texts: a JSON array of raw items would be read, and they may hold what PostgreSQL cannot
    -- read, such as \u0000.
    INSERT INTO ingest.failures (batch, index, account, raw, errors, conflict)
    SELECT written.id, f.index, written.account, f.raw::json, f.errors::json, f.conflict
    FROM written JOIN unnest($14::uuid[], $15::integer[], $16::text[], $17::text[], $23::boolean[])
        AS f(id, index, raw, errors, conflict) ON f.id = written.id
)
SELECT id FROM written

-- name: written_among
-- Which of these batches are there?
SELECT id FROM ingest.batches WHERE account = $1 AND id = ANY($2)
