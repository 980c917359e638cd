-- What is pending of each account: none may hold all that the service may.
-- `ingest.backlog` stays for processes of the version before.
CREATE FUNCTION ingest.backlog_by_account(known timestamptz, at_most integer)
    RETURNS TABLE (
        account text, batches bigint, items bigint, bytes bigint, oldest timestamptz,
        newest timestamptz, known_items bigint, known_bytes bigint, asked_at timestamptz,
        seconds double precision
    )
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT b.account, count(*), coalesce(sum(b.received), 0)::bigint AS items,
           coalesce(sum(b.payload_bytes), 0)::bigint AS bytes,
           min(b.accepted_at), max(b.accepted_at),
           coalesce(sum(b.received) FILTER (WHERE b.accepted_at <= known), 0)::bigint,
           coalesce(sum(b.payload_bytes) FILTER (WHERE b.accepted_at <= known), 0)::bigint,
           statement_timestamp(),
           extract(epoch FROM clock_timestamp() - statement_timestamp())::double precision
    FROM ingest.batches b
    WHERE b.state = 'accepted' AND b.accepted_at IS NOT NULL
    GROUP BY GROUPING SETS ((), (b.account))
    ORDER BY grouping(b.account) DESC, bytes DESC, items DESC
    LIMIT at_most + 1
$$;
REVOKE ALL ON FUNCTION ingest.backlog_by_account FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.backlog_by_account TO ingest_app;
GRANT CREATE ON SCHEMA ingest TO ingest_lookup;
ALTER FUNCTION ingest.backlog_by_account OWNER TO ingest_lookup;
REVOKE CREATE ON SCHEMA ingest FROM ingest_lookup;
