-- The dialect of a token's answers ---------------------------------------------------------------

ALTER TABLE ingest.tokens ADD COLUMN dialect text;
COMMENT ON COLUMN ingest.tokens.dialect IS 'that of its answers; NULL for the default';

-- A function cannot be replaced by one that returns more columns.
DROP FUNCTION ingest.find_token;
CREATE FUNCTION ingest.find_token(hash bytea)
    RETURNS TABLE (
        id uuid, account text, secret_hash bytea, role text, rights json, groups text[],
        limited boolean, dialect text
    )
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE ingest.tokens t
    SET last_used_at = now()
    WHERE t.id = (
        SELECT used.id
        FROM ingest.tokens used
        WHERE used.secret_hash = hash
          AND used.revoked_at IS NULL
          AND (used.expires_at IS NULL OR used.expires_at > now())
          AND (used.last_used_at IS NULL OR used.last_used_at < now() - interval '1 minute')
        FOR NO KEY UPDATE SKIP LOCKED
    );
    SELECT t.id, t.account, t.secret_hash, t.role,
           (SELECT coalesce(json_object_agg(r.collection, r.rights), '{}')
            FROM ingest.role_rights r WHERE r.role = t.role),
           t.groups,
           EXISTS (SELECT FROM ingest.quotas q WHERE q.account = t.account),
           t.dialect
    FROM ingest.tokens t
    WHERE t.secret_hash = hash
      AND t.revoked_at IS NULL
      AND (t.expires_at IS NULL OR t.expires_at > now())
$$;
REVOKE ALL ON FUNCTION ingest.find_token FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.find_token TO ingest_app;
GRANT CREATE ON SCHEMA ingest TO ingest_lookup;
ALTER FUNCTION ingest.find_token OWNER TO ingest_lookup;
REVOKE CREATE ON SCHEMA ingest FROM ingest_lookup;

-- Summaries ------------------------------------------------------------------------------------------

-- What the declared summaries of a collection count, for each value: a trigger of the collection's
-- table keeps it exact (`ingest.store.statements.tallies`), under the lock of the counter.
CREATE TABLE ingest.tallies (
    account     ingest.account_name,
    collection  text COLLATE "C",
    digest      bytea CHECK (octet_length(digest) = 32),
    summary     text COLLATE "C" NOT NULL,
    value       jsonb NOT NULL,
    items       bigint NOT NULL,
    total       numeric,
    PRIMARY KEY (account, collection, digest)
);
COMMENT ON COLUMN ingest.tallies.digest IS 'SHA-256 of summary and value: a value may be long';
COMMENT ON COLUMN ingest.tallies.value IS 'an array: the value counted, or those summed up by';
COMMENT ON COLUMN ingest.tallies.total IS 'the sum of a number; NULL where values are counted only';
ALTER TABLE ingest.tallies ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON ingest.tallies TO ingest_app;
CREATE POLICY own_account ON ingest.tallies TO ingest_app
    USING (account = current_setting('ingest.account', true));
CREATE POLICY operator ON ingest.tallies TO CURRENT_USER USING (true);
