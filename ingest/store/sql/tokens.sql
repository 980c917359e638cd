-- name: create_token
INSERT INTO ingest.tokens (id, account, name, secret_hash, expires_at, role, groups, dialect)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: find_token
SELECT id, account, secret_hash, role, rights, groups, limited, dialect
FROM ingest.find_token($1)

-- name: list_tokens
SELECT id, account, name, role, groups, dialect, created_at, expires_at, last_used_at, revoked_at
FROM ingest.tokens
WHERE $1::text IS NULL OR account = $1
ORDER BY account, id

-- name: revoke_token
UPDATE ingest.tokens SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING account
