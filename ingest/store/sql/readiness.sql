-- name: has_revisions
SELECT to_regclass('ingest.schema_version') IS NOT NULL

-- name: revision
SELECT version_num FROM ingest.schema_version

-- name: missing
-- Of the expected places, side by side, those that schema $1 lacks, in the order given: a table, a
-- column of this type, a unique constraint, a trigger. Of a table that is not there, only the table itself.
SELECT concat_ws('.', $1::text, CASE WHEN place.kind <> 'unique' THEN place.owner END, place.name)
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[])
    WITH ORDINALITY AS place(owner, kind, name, type, number)
LEFT JOIN pg_catalog.pg_class t
    ON t.relnamespace = to_regnamespace(quote_ident($1)) AND t.relkind = 'r'
    AND t.relname = place.owner
WHERE CASE place.kind
    WHEN 'table' THEN t.oid IS NULL
    WHEN 'column' THEN t.oid IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = t.oid AND a.attname = place.name AND NOT a.attisdropped
          AND a.attnum > 0 AND format_type(a.atttypid, a.atttypmod) = place.type)
    WHEN 'unique' THEN t.oid IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_constraint u
        WHERE u.conrelid = t.oid AND u.contype = 'u' AND u.conname = place.name)
    WHEN 'trigger' THEN t.oid IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger g
        WHERE g.tgrelid = t.oid AND g.tgname = place.name)
    END
ORDER BY place.number
