-- name: register
-- Before the first batch of a layout is accepted.
INSERT INTO ingest.layouts (fingerprint, collection, document)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING

-- name: read
SELECT document FROM ingest.layouts WHERE fingerprint = $1

-- name: columns
-- The columns of a table and their types, as `ColumnType` spells them.
SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum

-- name: unique
-- The columns of each unique index that is ours, whose names begin with $2, without the account,
-- which is their last. One that is being built refuses repeated values, too; until it belongs to a
-- constraint, also those that a batch would only have on its way.
SELECT array_agg(a.attname::text ORDER BY k.number) AS columns, i.indimmediate AS strict
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND starts_with(c.relname::text, $2)
CROSS JOIN unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(attnum, number)
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = to_regclass($1) AND i.indisunique AND NOT i.indisprimary AND i.indisready
  AND k.number < i.indnatts
GROUP BY c.relname, i.indimmediate
ORDER BY c.relname

-- name: named
-- The columns that the records of a batch name; of sparse ones, whether each carries as many fields
-- as it names columns, and whether the fields that it carries can be those of the columns $3: then
-- it names them, or $4 says that they are always carried. Where $5, it carries all that it names.
WITH records AS MATERIALIZED (
    SELECT r.record, ARRAY (
        SELECT k FROM json_object_keys(r.record) k
        WHERE k NOT IN ('$i', '$g', '$v', '$set', '$key', '$extra', '$exact')
    ) AS names, r.record ->> '$set' AS bits
    FROM ingest.payloads p
    CROSS JOIN LATERAL json_array_elements(convert_from(p.records, 'UTF8')::json) r(record)
    WHERE p.account = $1 AND p.batch = $2
)
SELECT ARRAY (SELECT DISTINCT unnest(r.names) FROM records r) AS columns,
       coalesce(bool_or(bits IS NOT NULL), false) AS sparse,
       coalesce(bool_and(length(translate(bits, '0', '')) = cardinality(names)), true) AS counted,
       coalesce(bool_and(length(bits) = cardinality($3::text[]) AND NOT EXISTS (
           SELECT FROM unnest($3::text[], $4::boolean[]) WITH ORDINALITY c(name, always, number)
           WHERE CASE substr(bits, c.number::integer, 1)
               WHEN '1' THEN NOT c.always AND c.name <> ALL (names)
               ELSE $5::boolean AND c.name = ANY (names)
           END
       )), true) AS same
FROM records

-- name: count_anew
-- The fields that the sparse records of a batch carry, by the columns $3 in their order.
UPDATE ingest.payloads p
SET records = convert_to((
    SELECT json_agg((
        SELECT json_object_agg(m.key, CASE m.key WHEN '$set' THEN (
            SELECT to_json(string_agg(
                (json_extract_path(r.record, c.name) IS NOT NULL)::integer::text, ''
                ORDER BY c.number
            ))
            FROM unnest($3::text[]) WITH ORDINALITY c(name, number)
        ) ELSE m.value END)
        FROM json_each(r.record) m
    ) ORDER BY r.number)::text
    FROM json_array_elements(convert_from(p.records, 'UTF8')::json)
        WITH ORDINALITY r(record, number)
), 'UTF8')
WHERE p.account = $1 AND p.batch = $2
