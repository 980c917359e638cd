-- name: insert
-- Indices, raw items and errors, side by side. As texts: a JSON array of them would be read, and
-- raw items may hold what PostgreSQL cannot read, such as \u0000.
INSERT INTO ingest.failures (batch, index, account, raw, errors)
SELECT $1, f.index, $2, f.raw::json, f.errors::json
FROM unnest($3::integer[], $4::text[], $5::text[]) AS f(index, raw, errors)

-- name: first
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

-- name: after
-- Those that follow an index: as many as fit into a number of bytes, and at least one.
SELECT index, raw, errors
FROM (
    SELECT index, raw::text AS raw, errors::text AS errors,
           sum(octet_length(raw::text) + octet_length(errors::text)) OVER (ORDER BY index)
               - octet_length(raw::text) - octet_length(errors::text) AS before
    FROM (
        SELECT index, raw, errors
        FROM ingest.failures
        WHERE account = $1 AND batch = $2 AND index > $3
        ORDER BY index
        LIMIT $4
    ) next
) sized
WHERE before < $5
ORDER BY index
