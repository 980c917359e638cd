-- The service's own tables. Run by 0001_service_tables.py, inside one transaction.

-- Services work as ingest_app, which cannot bypass row-level security. ingest_lookup owns the two
-- functions that look across accounts, and nothing else. Roles belong to the whole cluster, so
-- another database of it may have made them already.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['ingest_app', 'ingest_lookup'] LOOP
        IF to_regrole(name) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- the migration of another database was faster
            END;
        END IF;
        -- Whoever is no superuser gives functions only to a role of its own, and services may
        -- log in as the migration does.
        IF NOT pg_has_role(name, 'USAGE') THEN
            BEGIN
                EXECUTE format('GRANT %I TO CURRENT_USER', name);
            EXCEPTION WHEN insufficient_privilege OR unique_violation THEN
                NULL;  -- granted by an administrator, or by the migration of another database
            END;
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles
               WHERE rolname IN ('ingest_app', 'ingest_lookup') AND (rolsuper OR rolbypassrls)) THEN
        RAISE EXCEPTION 'the role ingest_app or ingest_lookup may bypass row-level security'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END $$;

-- The schema ingest is there already: it holds the revision that readiness is judged by.
CREATE SCHEMA collections;  -- one table for each resource, made by `ingest migrate`
GRANT USAGE ON SCHEMA ingest, collections TO ingest_app;
GRANT USAGE ON SCHEMA ingest TO ingest_lookup;
GRANT SELECT ON ingest.schema_version TO ingest_app;

CREATE DOMAIN ingest.account_name AS text COLLATE "C"
    CHECK (octet_length(VALUE) BETWEEN 1 AND 255);

CREATE TABLE ingest.tokens (
    id           uuid PRIMARY KEY,
    account      ingest.account_name NOT NULL,
    name         text NOT NULL,
    secret_hash  bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    revoked_at   timestamptz
);
COMMENT ON COLUMN ingest.tokens.secret_hash IS 'SHA-256 of the token; the token itself is not kept';

-- One row for each collection of an account: whoever holds its lock is the collection's one writer.
CREATE TABLE ingest.counters (
    account     ingest.account_name,
    collection  text COLLATE "C",
    items       bigint NOT NULL DEFAULT 0 CHECK (items >= 0),
    PRIMARY KEY (account, collection)
);

CREATE TABLE ingest.batches (
    id               uuid PRIMARY KEY,
    account          ingest.account_name NOT NULL,
    collection       text COLLATE "C" NOT NULL,
    action           text NOT NULL CHECK (action IN ('create', 'update', 'delete')),
    options          json NOT NULL,
    state            text NOT NULL
        CHECK (state IN ('receiving', 'accepted', 'committed', 'rejected', 'failed')),
    idempotency_key  text COLLATE "C",
    fingerprint      bytea CHECK (octet_length(fingerprint) = 32),
    trace_id         text NOT NULL,
    received         integer NOT NULL CHECK (received >= 0),
    created_at       timestamptz NOT NULL DEFAULT now(),
    accepted_at      timestamptz,
    finished_at      timestamptz,
    attempts         integer NOT NULL DEFAULT 0,
    created          integer NOT NULL DEFAULT 0,
    updated          integer NOT NULL DEFAULT 0,
    unchanged        integer NOT NULL DEFAULT 0,
    deleted          integer NOT NULL DEFAULT 0,
    invalid          integer[] NOT NULL DEFAULT '{}',
    outcomes         text,
    data             json,
    error            json,
    CONSTRAINT key_has_fingerprint
        CHECK (idempotency_key IS NULL OR fingerprint IS NOT NULL),
    CONSTRAINT rejected_frees_its_key
        CHECK (state <> 'rejected' OR idempotency_key IS NULL),
    CONSTRAINT accepted_has_a_time
        CHECK ((state IN ('receiving', 'rejected')) = (accepted_at IS NULL)),
    CONSTRAINT finished_has_a_time
        CHECK ((state IN ('committed', 'rejected', 'failed')) = (finished_at IS NOT NULL)),
    CONSTRAINT only_a_failure_has_an_error
        CHECK (error IS NULL OR state = 'failed')
);
COMMENT ON COLUMN ingest.batches.outcomes IS
    'one letter for each valid item, in request order: c created, u updated, n unchanged, d deleted';
COMMENT ON COLUMN ingest.batches.invalid IS 'indices of the invalid items, ascending';
COMMENT ON COLUMN ingest.batches.error IS 'why the service itself could not commit the batch';

-- PostgreSQL has the last word on replays: a key names one batch of an account.
CREATE UNIQUE INDEX batches_idempotency_key ON ingest.batches (account, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
-- What the sweeper rings for, oldest first.
CREATE INDEX batches_accepted ON ingest.batches (accepted_at) WHERE state = 'accepted';
-- GET /v1/batches.
CREATE INDEX batches_by_account ON ingest.batches (account, id);

-- What is to be applied: JSON arrays of records, in chunks. Bytes, so that nothing parses them
-- before the commit does; not compressed, because they are read once and soon removed.
CREATE TABLE ingest.payloads (
    batch    uuid REFERENCES ingest.batches ON DELETE CASCADE,
    chunk    integer,
    account  ingest.account_name NOT NULL,
    records  bytea NOT NULL,
    raw      bytea,
    PRIMARY KEY (batch, chunk)
);
ALTER TABLE ingest.payloads ALTER COLUMN records SET STORAGE EXTERNAL;
ALTER TABLE ingest.payloads ALTER COLUMN raw SET STORAGE EXTERNAL;
COMMENT ON COLUMN ingest.payloads.raw IS
    'an object of the items whose raw form differs from their record, by index';

CREATE TABLE ingest.failures (
    batch    uuid REFERENCES ingest.batches ON DELETE CASCADE,
    index    integer,
    account  ingest.account_name NOT NULL,
    raw      json NOT NULL,
    errors   json NOT NULL,
    PRIMARY KEY (batch, index)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tokens', 'counters', 'batches', 'payloads', 'failures'] LOOP
        EXECUTE format('ALTER TABLE ingest.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ingest.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            $policy$CREATE POLICY own_account ON ingest.%I TO ingest_app
                USING (account = current_setting('ingest.account', true))$policy$, name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ingest.%I TO ingest_app', name);
    END LOOP;
END $$;

-- The two doors between accounts.
CREATE POLICY lookup ON ingest.tokens FOR SELECT TO ingest_lookup USING (true);
CREATE POLICY lookup ON ingest.batches FOR SELECT TO ingest_lookup USING (true);
GRANT SELECT ON ingest.tokens, ingest.batches TO ingest_lookup;

CREATE FUNCTION ingest.find_token(hash bytea)
    RETURNS TABLE (id uuid, account text, secret_hash bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.id, t.account, t.secret_hash
    FROM ingest.tokens t
    WHERE t.secret_hash = hash
      AND t.revoked_at IS NULL
      AND (t.expires_at IS NULL OR t.expires_at > now())
$$;

CREATE FUNCTION ingest.unfinished_batches(older_than interval, at_most integer)
    RETURNS TABLE (account text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT b.account, b.id
    FROM ingest.batches b
    WHERE b.state = 'accepted' AND b.accepted_at < now() - older_than
    ORDER BY b.accepted_at
    LIMIT at_most
$$;

REVOKE ALL ON FUNCTION ingest.find_token(bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION ingest.unfinished_batches(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.find_token(bytea) TO ingest_app;
GRANT EXECUTE ON FUNCTION ingest.unfinished_batches(interval, integer) TO ingest_app;
-- A function's owner must be able to create in its schema while it becomes the owner.
GRANT CREATE ON SCHEMA ingest TO ingest_lookup;
ALTER FUNCTION ingest.find_token(bytea) OWNER TO ingest_lookup;
ALTER FUNCTION ingest.unfinished_batches(interval, integer) OWNER TO ingest_lookup;
REVOKE CREATE ON SCHEMA ingest FROM ingest_lookup;
