-- name: insert
-- Indices, raw items, errors and what they are of, side by side. As texts: a JSON array of them would be read, and
-- raw items may hold what PostgreSQL cannot read, such as \u0000.
INSERT INTO ingest.failures (batch, index, account, raw, errors, conflict)
SELECT $1, f.index, $2, f.raw::json, f.errors::json, f.conflict
FROM unnest($3::integer[], $4::text[], $5::text[], $6::boolean[]) AS f(index, raw, errors, conflict)

-- name: first
-- The first $3 of each batch, as many as fit into $4 bytes, and at least one. Only those that do are
-- read a second time.
SELECT f.batch, f.index, f.raw, f.errors
FROM unnest($2::uuid[]) AS b(id)
CROSS JOIN LATERAL (
    SELECT index, sum(size) OVER (ORDER BY index) AS until, row_number() OVER (ORDER BY index) AS n
    FROM (
        SELECT index, octet_length(raw::text) + octet_length(errors::text) AS size
        FROM ingest.failures
        WHERE account = $1 AND batch = b.id
        ORDER BY index
        LIMIT $3
    ) next
) sized
JOIN ingest.failures f ON f.batch = b.id AND f.index = sized.index
WHERE f.account = $1 AND (sized.until <= $4 OR sized.n = 1)
ORDER BY f.batch, f.index

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
