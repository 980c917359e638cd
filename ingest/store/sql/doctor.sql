-- name: server_version
SELECT current_setting('server_version_num')::integer AS number,
       current_setting('server_version') AS version

-- name: clock
SELECT extract(epoch FROM clock_timestamp())::double precision AS seconds

-- name: ours
-- Where the service's own tables and those of its resources are.
ARRAY[to_regnamespace('ingest'), to_regnamespace('collections'), to_regnamespace('images')]::oid[]

-- name: invalid_indexes
-- Those that are built at this moment are not finished either. PostgreSQL ends the names of what it
-- builds beside an index so.
SELECT i.indexrelid::regclass::text AS name, c.relname ~ '_cc(new|old)\d*$' AS copy
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = ANY ({ours}) AND NOT (i.indisvalid AND i.indisready AND i.indislive)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p
                  WHERE p.index_relid = i.indexrelid)
ORDER BY name

-- name: disabled_triggers
-- Those of references are internal. `R` fires on a replica only.
SELECT t.tgrelid::regclass::text AS place, quote_ident(t.tgname) AS name, t.tgisinternal AS internal
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = ANY ({ours}) AND t.tgenabled IN ('D', 'R')
ORDER BY place, name

-- name: unsecured_tables
-- The revision of the tables is no secret.
SELECT c.oid::regclass::text AS name
FROM pg_catalog.pg_class c
WHERE c.relnamespace = ANY ({ours}) AND c.relkind IN ('r', 'p')
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
  AND c.oid IS DISTINCT FROM to_regclass('ingest.schema_version')
ORDER BY name

-- name: bypassing_roles
SELECT rolname AS name FROM pg_catalog.pg_roles
WHERE rolname IN ('ingest_app', 'ingest_lookup') AND (rolsuper OR rolbypassrls)

-- name: waiting
SELECT account, collection, count(*) AS batches, min(accepted_at) AS since,
       max(attempts) AS attempts, now()
FROM ingest.batches
WHERE state = 'accepted' AND accepted_at < now() - $1::interval
GROUP BY account, collection
ORDER BY since
LIMIT $2

-- name: silent
-- -infinity where a removal was broken off; a repair on its way has no time of its own.
SELECT account, collection, count(*) AS batches,
       min(CASE WHEN created_at > '-infinity' THEN created_at ELSE now() - $1::interval END) AS since,
       now()
FROM ingest.batches
WHERE state = 'receiving' AND heartbeat_at < now() - $1::interval
GROUP BY account, collection
ORDER BY since
LIMIT $2

-- name: dead_letters
SELECT account, collection, count(*) AS batches, max(finished_at) AS last, now(),
       (array_agg(id ORDER BY finished_at DESC))[1] AS newest,
       (array_agg(concat_ws(': ', error ->> 'message', error ->> 'reason')
                  ORDER BY finished_at DESC))[1] AS reason
FROM ingest.batches
WHERE state = 'failed' AND error IS NOT NULL AND finished_at IS NOT NULL
GROUP BY account, collection
ORDER BY last DESC
LIMIT $1

-- name: overdue
SELECT kind, count(*) AS batches
FROM (
    SELECT kind FROM ingest.expired_batches($1::interval, $2::interval, $3::interval, $5)
    UNION ALL
    SELECT 'repair' FROM ingest.expired_repairs($4::interval, $5)
) expired
GROUP BY kind
ORDER BY kind

-- name: tables
-- Those of resources that are no longer served, too: what they hold counts for quotas.
SELECT c.relname AS name
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = '$account'
WHERE c.relnamespace = to_regnamespace('collections') AND c.relkind = 'r'
ORDER BY name

-- name: homeless
-- Counters of collections that have no table: $1 are those that have.
SELECT account, collection, items
FROM ingest.counters
WHERE items <> 0 AND collection <> ALL ($1::text[])
ORDER BY account, collection
