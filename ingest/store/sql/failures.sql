-- name: failures_after
-- The failures that follow an index: as many as fit into a number of bytes, and at least one.
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
