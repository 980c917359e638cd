-- name: has_revisions
SELECT to_regclass('ingest.schema_version') IS NOT NULL

-- name: revision
SELECT version_num FROM ingest.schema_version

-- name: present
-- What the tables named in $2 have, in schema $1: their columns with types, and their unique
-- constraints. From the catalogs, so that a missing table is a missing row and not an error.
SELECT c.relname::text, 'column', a.attname::text, format_type(a.atttypid, a.atttypmod)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = to_regnamespace(quote_ident($1)) AND c.relkind = 'r'
  AND c.relname = ANY ($2::text[])
UNION ALL
SELECT c.relname::text, 'unique', u.conname::text, ''
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_constraint u ON u.conrelid = c.oid AND u.contype = 'u'
WHERE c.relnamespace = to_regnamespace(quote_ident($1)) AND c.relkind = 'r'
  AND c.relname = ANY ($2::text[])
