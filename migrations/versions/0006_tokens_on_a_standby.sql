-- A standby looks tokens up, and leaves it to the primary to record their use.
CREATE OR REPLACE FUNCTION ingest.find_token(hash bytea)
    RETURNS TABLE (
        id uuid, account text, secret_hash bytea, role text, rights json, groups text[],
        limited boolean, dialect text
    )
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF NOT current_setting('transaction_read_only')::boolean THEN
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
    END IF;
    RETURN QUERY
        SELECT t.id, t.account::text, t.secret_hash, t.role::text,
               (SELECT coalesce(json_object_agg(r.collection, r.rights), '{}')
                FROM ingest.role_rights r WHERE r.role = t.role),
               t.groups::text[],
               EXISTS (SELECT FROM ingest.quotas q WHERE q.account = t.account),
               t.dialect::text
        FROM ingest.tokens t
        WHERE t.secret_hash = hash
          AND t.revoked_at IS NULL
          AND (t.expires_at IS NULL OR t.expires_at > now());
END $$;
