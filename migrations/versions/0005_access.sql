-- Who may do what. Run by 0005_access.py, inside one transaction.

-- Roles are the operator's, and the same for every account.
CREATE TABLE ingest.roles (
    name        text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_-]{0,47}$'),
    built_in    boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE ingest.role_rights (
    role        text COLLATE "C" REFERENCES ingest.roles ON DELETE CASCADE,
    collection  text COLLATE "C" CHECK (collection <> ''),
    rights      text[] NOT NULL,
    PRIMARY KEY (role, collection),
    CONSTRAINT known_rights CHECK (
        cardinality(rights) > 0
        AND rights <@ ARRAY['create', 'read', 'update', 'delete', 'admin']
    )
);
COMMENT ON COLUMN ingest.role_rights.collection IS 'the name of a collection, or * for all';
INSERT INTO ingest.roles (name, built_in)
VALUES ('reader', true), ('writer', true), ('admin', true);
INSERT INTO ingest.role_rights (role, collection, rights)
VALUES ('reader', '*', '{read}'),
       ('writer', '*', '{create,read,update,delete}'),
       ('admin', '*', '{create,read,update,delete,admin}');

-- Tokens that there are already may do what they could do.
ALTER TABLE ingest.tokens
    ADD COLUMN role text COLLATE "C" NOT NULL DEFAULT 'writer' REFERENCES ingest.roles,
    ADD COLUMN groups text[] NOT NULL DEFAULT '{}',
    ADD COLUMN last_used_at timestamptz,
    ADD CONSTRAINT groups_have_names CHECK (
        cardinality(groups) <= 100
        AND array_position(groups, NULL) IS NULL
        AND array_position(groups, '') IS NULL
    );
COMMENT ON COLUMN ingest.tokens.groups IS 'what the token is confined to; empty for everything';
COMMENT ON COLUMN ingest.tokens.last_used_at IS 'to the minute';

-- Who sent a batch, and why one was refused as a whole. `error` is for reasons of the service's
-- own: such a batch can be put back; one that was refused cannot, its client sends it again.
ALTER TABLE ingest.batches
    ADD COLUMN token uuid,
    ADD COLUMN refusal json,
    ADD CONSTRAINT only_a_failure_has_a_refusal CHECK (refusal IS NULL OR state = 'failed');

-- The most items that an account may hold.
CREATE TABLE ingest.quotas (
    account     ingest.account_name,
    collection  text COLLATE "C" CHECK (collection <> ''),
    maximum     bigint NOT NULL CHECK (maximum >= 0),
    PRIMARY KEY (account, collection)
);
COMMENT ON COLUMN ingest.quotas.collection IS
    'the name of a collection, or * for all that the account holds';
GRANT SELECT ON ingest.quotas TO ingest_app;
CREATE POLICY own_account ON ingest.quotas TO ingest_app
    USING (account = current_setting('ingest.account', true));

-- The service looks tokens up, by find_token, and makes none: that is for an operator's login.
REVOKE INSERT, UPDATE, DELETE ON ingest.tokens FROM ingest_app;
GRANT SELECT ON ingest.roles, ingest.role_rights TO ingest_app;  -- no policy lets it see a row

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['roles', 'role_rights', 'quotas'] LOOP
        EXECUTE format('ALTER TABLE ingest.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ingest.%I FORCE ROW LEVEL SECURITY', name);
    END LOOP;
    -- Whoever migrates is the operator, and need not be a superuser. The services never work as
    -- that role, although they may log in as it. Batches are for `ingest batches list|retry`.
    FOREACH name IN ARRAY
        ARRAY['tokens', 'roles', 'role_rights', 'quotas', 'counters', 'batches', 'payloads']
    LOOP
        EXECUTE format('CREATE POLICY operator ON ingest.%I TO CURRENT_USER USING (true)', name);
    END LOOP;
END $$;

CREATE POLICY lookup ON ingest.role_rights FOR SELECT TO ingest_lookup USING (true);
CREATE POLICY lookup ON ingest.quotas FOR SELECT TO ingest_lookup USING (true);
GRANT SELECT ON ingest.role_rights, ingest.quotas TO ingest_lookup;
CREATE POLICY last_use ON ingest.tokens FOR UPDATE TO ingest_lookup USING (true);
GRANT UPDATE (last_used_at) ON ingest.tokens TO ingest_lookup;

DROP FUNCTION ingest.find_token(bytea);
-- What a token may do. Its use is recorded once a minute at most, and never waited for: where
-- another process is recording it, that is enough.
CREATE FUNCTION ingest.find_token(hash bytea)
    RETURNS TABLE (
        id uuid, account text, secret_hash bytea, role text, rights json, groups text[],
        limited boolean
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
           EXISTS (SELECT FROM ingest.quotas q WHERE q.account = t.account)
    FROM ingest.tokens t
    WHERE t.secret_hash = hash
      AND t.revoked_at IS NULL
      AND (t.expires_at IS NULL OR t.expires_at > now())
$$;
REVOKE ALL ON FUNCTION ingest.find_token(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.find_token(bytea) TO ingest_app;
-- A function's owner must be able to create in its schema while it becomes the owner.
GRANT CREATE ON SCHEMA ingest TO ingest_lookup;
ALTER FUNCTION ingest.find_token(bytea) OWNER TO ingest_lookup;
REVOKE CREATE ON SCHEMA ingest FROM ingest_lookup;
