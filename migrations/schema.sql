-- The service's own tables as they are today. A resource's table is made from its schema
-- (`resource_tables.py`), in the schema `collections`; that of its before-images is in `images`.
--
--   1 Roles and schemas      3 Batches                  5 Functions
--   2 Access                 4 Row-level security       6 Functions that look across accounts

-- 1 Roles and schemas ------------------------------------------------------------------------------

-- The service works as ingest_app, which cannot bypass row-level security. ingest_lookup owns the
-- functions that look across accounts, and nothing else. Roles belong to the whole cluster, so the
-- migration of another database may have made them, perhaps at this moment.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['ingest_app', 'ingest_lookup'] LOOP
        IF to_regrole(name) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
        -- Only a member of a role may give it a function, or work as it.
        IF NOT pg_has_role(name, 'USAGE') THEN
            BEGIN
                EXECUTE format('GRANT %I TO CURRENT_USER', name);
            EXCEPTION WHEN insufficient_privilege OR unique_violation THEN
                NULL;  -- an administrator has to grant it, unless another migration has
            END;
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles
               WHERE rolname IN ('ingest_app', 'ingest_lookup') AND (rolsuper OR rolbypassrls)) THEN
        RAISE EXCEPTION 'the role ingest_app or ingest_lookup may bypass row-level security'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END $$;

-- A migration makes the schema `ingest` and the table of its revision before it runs this file.
CREATE SCHEMA IF NOT EXISTS ingest;
CREATE SCHEMA collections;
CREATE SCHEMA images;
GRANT USAGE ON SCHEMA ingest TO ingest_app, ingest_lookup;
GRANT USAGE ON SCHEMA collections, images TO ingest_app;

-- The revision of this schema, which readiness looks at.
CREATE TABLE IF NOT EXISTS ingest.schema_version (
    version_num  varchar(32) CONSTRAINT schema_version_pkc PRIMARY KEY
);
GRANT SELECT ON ingest.schema_version TO ingest_app;

CREATE DOMAIN ingest.account_name AS text COLLATE "C"
    CHECK (octet_length(VALUE) BETWEEN 1 AND 255);

-- 2 Access -----------------------------------------------------------------------------------------

-- Named sets of rights: an operator makes them, and they are the same for every account.
CREATE TABLE ingest.roles (
    name        text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_-]{0,47}$'),
    built_in    boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- What a role may do to a collection.
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

-- Bearer tokens: each belongs to one account and has one role.
CREATE TABLE ingest.tokens (
    id            uuid PRIMARY KEY,
    account       ingest.account_name NOT NULL,
    name          text NOT NULL,
    secret_hash   bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    role          text COLLATE "C" NOT NULL DEFAULT 'writer' REFERENCES ingest.roles,
    groups        text[] NOT NULL DEFAULT '{}',
    dialect       text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz,
    revoked_at    timestamptz,
    last_used_at  timestamptz,
    CONSTRAINT groups_have_names CHECK (
        cardinality(groups) <= 100
        AND array_position(groups, NULL) IS NULL
        AND array_position(groups, '') IS NULL
    )
);
COMMENT ON COLUMN ingest.tokens.secret_hash IS 'SHA-256 of the token; the token itself is not kept';
COMMENT ON COLUMN ingest.tokens.groups IS 'what the token is confined to; empty for everything';
COMMENT ON COLUMN ingest.tokens.dialect IS 'that of its answers; NULL for the default';
COMMENT ON COLUMN ingest.tokens.last_used_at IS 'to the minute';

-- The most items that an account may hold.
CREATE TABLE ingest.quotas (
    account     ingest.account_name,
    collection  text COLLATE "C" CHECK (collection <> ''),
    maximum     bigint NOT NULL CHECK (maximum >= 0),
    PRIMARY KEY (account, collection)
);
COMMENT ON COLUMN ingest.quotas.collection IS
    'the name of a collection, or * for all that the account holds';

-- How many items an account holds. The transaction that has locked the row of a collection is the
-- only one that writes to the collection.
CREATE TABLE ingest.counters (
    account     ingest.account_name,
    collection  text COLLATE "C",
    items       bigint NOT NULL DEFAULT 0 CHECK (items >= 0),
    last_version bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account, collection)
);
COMMENT ON COLUMN ingest.counters.last_version IS
    'the highest of all items that were deleted: what is created later starts above it';

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

-- 3 Batches ----------------------------------------------------------------------------------------

-- A batch:  receiving ─▶ accepted ─▶ committed | failed
--                   └──▶ rejected
CREATE TABLE ingest.batches (
    -- What was requested, and by which token.
    id               uuid PRIMARY KEY,
    account          ingest.account_name NOT NULL,
    collection       text COLLATE "C" NOT NULL,
    action           text NOT NULL CHECK (action IN ('create', 'update', 'delete', 'revert')),
    options          json NOT NULL,
    token            uuid,
    trace_id         text NOT NULL,
    layout           text COLLATE "C",
    idempotency_key  text COLLATE "C",
    fingerprint      bytea CHECK (octet_length(fingerprint) = 32),
    -- Where it is on its way. No index holds what a chunk that arrives changes: heartbeat_at,
    -- received, invalid_so_far.
    state            text NOT NULL
        CHECK (state IN ('receiving', 'accepted', 'committed', 'rejected', 'failed')),
    created_at       timestamptz NOT NULL DEFAULT now(),
    heartbeat_at     timestamptz,
    accepted_at      timestamptz,
    finished_at      timestamptz,
    attempts         integer NOT NULL DEFAULT 0,
    -- What it holds.
    received         integer NOT NULL CHECK (received >= 0),
    invalid          integer[] NOT NULL DEFAULT '{}',
    invalid_so_far   integer NOT NULL DEFAULT 0,
    payload_bytes    bigint NOT NULL DEFAULT 0 CHECK (payload_bytes >= 0),
    -- What it came to. A batch with an error can be committed again; one with a refusal cannot: its
    -- client sends it again. A refusal beside invalid items is what would have stopped the others.
    created          integer NOT NULL DEFAULT 0,
    updated          integer NOT NULL DEFAULT 0,
    unchanged        integer NOT NULL DEFAULT 0,
    deleted          integer NOT NULL DEFAULT 0,
    outcomes         text,
    data             json,
    error            json,
    refusal          json,
    -- Repair in place. What was received of a batch that is kept can be corrected, item by item.
    kept             boolean NOT NULL DEFAULT false,
    repairs          integer NOT NULL DEFAULT 0 CHECK (repairs >= 0),
    dropped          integer[] NOT NULL DEFAULT '{}',
    CONSTRAINT key_has_fingerprint
        CHECK (idempotency_key IS NULL OR fingerprint IS NOT NULL),
    CONSTRAINT receiving_has_no_key
        CHECK (state <> 'receiving' OR idempotency_key IS NULL),
    CONSTRAINT rejected_frees_its_key
        CHECK (state <> 'rejected' OR idempotency_key IS NULL OR kept),
    CONSTRAINT only_a_failure_is_kept
        CHECK (NOT kept OR state IN ('rejected', 'failed')),
    CONSTRAINT receiving_has_a_heartbeat
        CHECK ((state = 'receiving') = (heartbeat_at IS NOT NULL)),
    CONSTRAINT accepted_has_a_time
        CHECK ((state IN ('receiving', 'rejected')) = (accepted_at IS NULL)),
    CONSTRAINT finished_has_a_time
        CHECK ((state IN ('committed', 'rejected', 'failed')) = (finished_at IS NOT NULL)),
    CONSTRAINT only_a_failure_has_an_error
        CHECK (error IS NULL OR state = 'failed'),
    CONSTRAINT only_a_failure_has_a_refusal
        CHECK (refusal IS NULL OR state IN ('rejected', 'failed'))
) WITH (
    -- Each batch leaves a dead entry in the indexes of pending batches, and a search walks over them
    -- until a vacuum has removed them: 0.2 ms for 20,000, 3 ms for 300,000. Where few rows are dead,
    -- a vacuum leaves indexes as they are unless vacuum_index_cleanup is on.
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_scale_factor = 0.02,
    vacuum_index_cleanup = on
);
COMMENT ON COLUMN ingest.batches.layout IS
    'the fingerprint of what its records mean; NULL where a version before 0007 accepted it';
COMMENT ON COLUMN ingest.batches.heartbeat_at IS
    'when the last of it arrived, while it is received; -infinity once it is being removed';
COMMENT ON COLUMN ingest.batches.invalid IS
    'indices of the items that are not saved, ascending: invalid ones, and dropped ones';
COMMENT ON COLUMN ingest.batches.invalid_so_far IS 'how many items are invalid, while it is received';
COMMENT ON COLUMN ingest.batches.payload_bytes IS 'how much was staged for an accepted batch';
COMMENT ON COLUMN ingest.batches.outcomes IS
    'one letter for each valid item, in request order: c created, u updated, n unchanged, d deleted';
COMMENT ON COLUMN ingest.batches.error IS 'why the service itself could not commit the batch';
COMMENT ON COLUMN ingest.batches.kept IS
    'whether its payload, its failures and its key are kept to be repaired';
COMMENT ON COLUMN ingest.batches.repairs IS 'how often it was repaired; it is at attempt repairs + 1';
COMMENT ON COLUMN ingest.batches.dropped IS 'indices of the items that a repair left out, ascending';

-- A key names one batch of an account: this decides between two requests.
CREATE UNIQUE INDEX batches_idempotency_key ON ingest.batches (account, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- An index that begins with the account, or that holds what is pending, serves many statements: row-
-- level security names the account in all of them. Without statistics the planner takes it to hold
-- next to nothing, reads all of it, and keeps that plan for each commit. So each of the next three
-- has a condition, true of every row that it is for, that only its own searches name as well.
--
-- What `GET /v1/batches` lists.
CREATE INDEX batches_listed ON ingest.batches (account, id) WHERE created_at > '-infinity';
-- What the sweeper rings for, oldest first, with what the sums of the backlog need.
CREATE INDEX batches_accepted ON ingest.batches (accepted_at) INCLUDE (received, payload_bytes)
    WHERE state = 'accepted' AND accepted_at IS NOT NULL;
-- What is pending in a collection of an account, in the order in which it was accepted.
CREATE INDEX batches_waiting ON ingest.batches (account, collection, id)
    WHERE state = 'accepted' AND attempts = 0;

-- What may have lost its request.
CREATE INDEX batches_receiving ON ingest.batches (id) WHERE state = 'receiving';
-- Finished batches that still have their answer or their key.
CREATE INDEX batches_with_answer ON ingest.batches (finished_at)
    WHERE finished_at IS NOT NULL AND (data IS NOT NULL OR idempotency_key IS NOT NULL);
-- Finished batches that no stored item can name: those that created and updated nothing.
CREATE INDEX batches_unnamed ON ingest.batches (finished_at)
    WHERE state IN ('rejected', 'failed') OR (state = 'committed' AND created = 0 AND updated = 0);

-- What is kept of an account to be repaired, and since when.
CREATE INDEX batches_kept ON ingest.batches (account) INCLUDE (payload_bytes) WHERE kept;
CREATE INDEX batches_kept_since ON ingest.batches (finished_at) WHERE kept;

-- The items to be applied: JSON arrays of records, in chunks. Bytes, so that nothing parses them
-- before the commit does; not compressed, because they are read once and soon removed.
CREATE TABLE ingest.payloads (
    batch        uuid REFERENCES ingest.batches ON DELETE CASCADE,
    chunk        integer,
    account      ingest.account_name NOT NULL,
    first_index  integer NOT NULL DEFAULT 0,
    records      bytea NOT NULL,
    raw          bytea,
    PRIMARY KEY (batch, chunk)
) WITH (
    -- Payloads live for an hour (INGEST_PAYLOAD_TTL) and are nearly all in the TOAST table. With
    -- autovacuum's own cost delay they become free at 18 MiB/s, or at half of that while another
    -- table is vacuumed, too: a load that stages more lets the table grow for ever. The pages were
    -- written a moment ago, so there is no reason to be slow about it. The heap itself is small, and
    -- truncating it takes a lock that stops every other transaction.
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_scale_factor = 0.05,
    vacuum_truncate = off,
    toast.autovacuum_vacuum_cost_delay = 0,
    toast.autovacuum_vacuum_scale_factor = 0.05
);
ALTER TABLE ingest.payloads
    ALTER COLUMN records SET STORAGE EXTERNAL,
    ALTER COLUMN raw SET STORAGE EXTERNAL;
COMMENT ON COLUMN ingest.payloads.first_index IS 'no item of the chunk has a lower index';
COMMENT ON COLUMN ingest.payloads.raw IS
    'an object of the items whose raw form differs from their record, by index';

-- The bad items of a batch, each as it was sent, with its errors.
CREATE TABLE ingest.failures (
    batch    uuid REFERENCES ingest.batches ON DELETE CASCADE,
    index    integer,
    account  ingest.account_name NOT NULL,
    raw      json NOT NULL,
    errors   json NOT NULL,
    conflict boolean NOT NULL DEFAULT false,
    PRIMARY KEY (batch, index)
);
COMMENT ON COLUMN ingest.failures.conflict IS
    'whether the item is valid by itself, and so among the records of its batch';

-- The corrected items of a repair on its way, until they are merged into the batch that it is for.
-- `batch` is the repair's own: it is `receiving`, in no list, and given up as a stream is.
CREATE TABLE ingest.changes (
    batch    uuid REFERENCES ingest.batches ON DELETE CASCADE,
    index    integer CHECK (index >= 0),
    account  ingest.account_name NOT NULL,
    record   json,
    raw      json,
    errors   json,
    PRIMARY KEY (batch, index),
    CONSTRAINT invalid_or_valid CHECK (errors IS NULL OR (record IS NULL AND raw IS NOT NULL))
);
COMMENT ON COLUMN ingest.changes.record IS 'NULL where the item is invalid, or is dropped';
COMMENT ON COLUMN ingest.changes.raw IS 'as it was received, where its record does not say it';

-- What is kept of items that a batch changed or deleted, so that it can be undone. The images
-- themselves are in the table of their collection, in the schema `images`: an array of rows for each of
-- these. A batch may be gone before its images are.
CREATE TABLE ingest.before_images (
    batch       uuid,
    deleted     boolean,
    chunk       bigint,
    account     ingest.account_name NOT NULL,
    collection  text COLLATE "C" NOT NULL,
    made_at     timestamptz NOT NULL DEFAULT statement_timestamp(),
    bytes       bigint NOT NULL CHECK (bytes > 0),
    writers     uuid[] NOT NULL,
    PRIMARY KEY (batch, deleted, chunk)
);
COMMENT ON COLUMN ingest.before_images.deleted IS 'whether the batch deleted the rows, or changed them';
COMMENT ON COLUMN ingest.before_images.writers IS 'the batches that had written them';
-- What was done since a moment, and how much there is; the condition as of batches_listed.
CREATE INDEX before_images_made ON ingest.before_images (account, made_at) INCLUDE (collection, batch, bytes)
    WHERE made_at > '-infinity';

-- What a fingerprint stands for. Of no account: it describes schemas, and holds no item.
CREATE TABLE ingest.layouts (
    fingerprint  text COLLATE "C" PRIMARY KEY,
    collection   text COLLATE "C" NOT NULL,
    document     text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);

-- 4 Row-level security -----------------------------------------------------------------------------

ALTER TABLE ingest.roles       ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE ingest.role_rights ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE ingest.tokens      ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE ingest.quotas      ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE ingest.counters    ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE ingest.tallies     ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE ingest.batches     ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE ingest.layouts     ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE ingest.payloads    ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE ingest.failures    ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE ingest.changes     ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE ingest.before_images ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- The service: the rows of the account that its transaction has named. It makes no tokens, quotas or
-- roles; of the roles it sees none, because no policy lets it.
GRANT SELECT ON ingest.roles, ingest.role_rights, ingest.tokens, ingest.quotas TO ingest_app;
GRANT SELECT, INSERT ON ingest.layouts TO ingest_app;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON ingest.counters, ingest.tallies, ingest.batches, ingest.payloads, ingest.failures,
    ingest.changes, ingest.before_images TO ingest_app;
CREATE POLICY every_account ON ingest.layouts TO ingest_app USING (true);
CREATE POLICY own_account ON ingest.tokens TO ingest_app
    USING (account = current_setting('ingest.account', true));
CREATE POLICY own_account ON ingest.quotas TO ingest_app
    USING (account = current_setting('ingest.account', true));
CREATE POLICY own_account ON ingest.counters TO ingest_app
    USING (account = current_setting('ingest.account', true));
CREATE POLICY own_account ON ingest.tallies TO ingest_app
    USING (account = current_setting('ingest.account', true));
CREATE POLICY own_account ON ingest.batches TO ingest_app
    USING (account = current_setting('ingest.account', true));
CREATE POLICY own_account ON ingest.payloads TO ingest_app
    USING (account = current_setting('ingest.account', true));
CREATE POLICY own_account ON ingest.failures TO ingest_app
    USING (account = current_setting('ingest.account', true));
CREATE POLICY own_account ON ingest.changes TO ingest_app
    USING (account = current_setting('ingest.account', true));
CREATE POLICY own_account ON ingest.before_images TO ingest_app
    USING (account = current_setting('ingest.account', true));

-- The operator is the role that migrates, and need not be a superuser. The service never works as
-- that role, although it may log in as it.
CREATE POLICY operator ON ingest.roles TO CURRENT_USER USING (true);
CREATE POLICY operator ON ingest.role_rights TO CURRENT_USER USING (true);
CREATE POLICY operator ON ingest.tokens TO CURRENT_USER USING (true);
CREATE POLICY operator ON ingest.quotas TO CURRENT_USER USING (true);
CREATE POLICY operator ON ingest.counters TO CURRENT_USER USING (true);
CREATE POLICY operator ON ingest.tallies TO CURRENT_USER USING (true);
CREATE POLICY operator ON ingest.batches TO CURRENT_USER USING (true);
CREATE POLICY operator ON ingest.payloads TO CURRENT_USER USING (true);

-- The functions of section 6. Of items they see only which batch has any.
GRANT SELECT ON ingest.role_rights, ingest.tokens, ingest.quotas, ingest.batches TO ingest_lookup;
GRANT SELECT (batch) ON ingest.payloads, ingest.failures TO ingest_lookup;
GRANT SELECT (account, collection, batch, made_at, bytes) ON ingest.before_images TO ingest_lookup;
GRANT UPDATE (last_used_at) ON ingest.tokens TO ingest_lookup;
CREATE POLICY lookup ON ingest.role_rights FOR SELECT TO ingest_lookup USING (true);
CREATE POLICY lookup ON ingest.tokens FOR SELECT TO ingest_lookup USING (true);
CREATE POLICY last_use ON ingest.tokens FOR UPDATE TO ingest_lookup USING (true);
CREATE POLICY lookup ON ingest.quotas FOR SELECT TO ingest_lookup USING (true);
CREATE POLICY lookup ON ingest.batches FOR SELECT TO ingest_lookup USING (true);
CREATE POLICY lookup ON ingest.payloads FOR SELECT TO ingest_lookup USING (true);
CREATE POLICY lookup ON ingest.failures FOR SELECT TO ingest_lookup USING (true);
CREATE POLICY lookup ON ingest.before_images FOR SELECT TO ingest_lookup USING (true);

-- 5 Functions: with the rights of the caller. They name the account themselves, which saves a round
-- trip; row-level security holds what follows to it. ---------------------------------------------

-- Batches of an account by their ids.
CREATE FUNCTION ingest.batches_of(owner text, wanted uuid[])
    RETURNS SETOF ingest.batches
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('ingest.account', owner, true);
    RETURN QUERY SELECT * FROM ingest.batches b WHERE b.account = owner AND b.id = ANY (wanted);
END $$;

-- The oldest pending batches of a collection, locked, but those that the worker can't apply for now:
-- of these layouts, and these batches themselves. The caller is the collection's only writer until
-- its transaction ends. Batches that failed before are not among them: they would make the others
-- fail, too.
--
-- By id alone the primary key has the order as well, and where the planner last saw that nearly
-- all batches are pending, it walks along that past every batch that there ever was. An equality
-- would make this an order by id alone again.
CREATE FUNCTION ingest.take_waiting(
    owner text, place text, at_most integer, but_layouts text[], but uuid[]
)
    RETURNS SETOF ingest.batches
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('ingest.account', owner, true);
    LOOP
        PERFORM FROM ingest.counters c WHERE c.account = owner AND c.collection = place FOR UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO ingest.counters (account, collection) VALUES (owner, place)
        ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN QUERY
        SELECT * FROM ingest.batches b
        WHERE b.account = owner AND b.collection BETWEEN place AND place
          AND b.state = 'accepted' AND b.attempts = 0
          AND (b.layout IS NULL OR b.layout <> ALL (but_layouts)) AND b.id <> ALL (but)
        ORDER BY b.collection, b.id
        LIMIT at_most
        FOR UPDATE SKIP LOCKED;
END $$;

-- The function of versions before: their workers know no other schema than their own, and would
-- drop what that lacks. So they take what such versions have accepted, and nothing else.
CREATE FUNCTION ingest.take_waiting(owner text, place text, at_most integer)
    RETURNS SETOF ingest.batches
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('ingest.account', owner, true);
    LOOP
        PERFORM FROM ingest.counters c WHERE c.account = owner AND c.collection = place FOR UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO ingest.counters (account, collection) VALUES (owner, place)
        ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN QUERY
        SELECT * FROM ingest.batches b
        WHERE b.account = owner AND b.collection BETWEEN place AND place
          AND b.state = 'accepted' AND b.attempts = 0 AND b.layout IS NULL
        ORDER BY b.collection, b.id
        LIMIT at_most
        FOR UPDATE SKIP LOCKED;
END $$;
-- 6 Functions that look across accounts: with the rights of ingest_lookup --------------------------

-- A valid token by its hash, and what it may do. Its use is recorded once a minute at most; a process
-- that finds the row locked leaves that to the one that holds it, and one that reads from a standby
-- leaves it.
CREATE FUNCTION ingest.find_token(hash bytea)
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

-- Where batches are pending, but those of these layouts: the collection without an id, for those
-- that are committed together; with an id, a batch that failed before and is committed alone.
CREATE FUNCTION ingest.unfinished_batches(
    older_than interval, at_most integer, but_layouts text[]
)
    RETURNS TABLE (account text, collection text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH oldest AS (
        SELECT b.account, b.collection, b.id, b.attempts
        FROM ingest.batches b
        WHERE b.state = 'accepted' AND b.accepted_at < now() - older_than
          AND (b.layout IS NULL OR b.layout <> ALL (but_layouts))
        ORDER BY b.accepted_at
        LIMIT at_most
    )
    SELECT DISTINCT o.account, o.collection, CASE WHEN o.attempts > 0 THEN o.id END FROM oldest o
$$;

-- That of versions before, as `take_waiting`.
CREATE FUNCTION ingest.unfinished_batches(older_than interval, at_most integer)
    RETURNS TABLE (account text, collection text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH oldest AS (
        SELECT b.account, b.collection, b.id, b.attempts
        FROM ingest.batches b
        WHERE b.state = 'accepted' AND b.accepted_at < now() - older_than AND b.layout IS NULL
        ORDER BY b.accepted_at
        LIMIT at_most
    )
    SELECT DISTINCT o.account, o.collection, CASE WHEN o.attempts > 0 THEN o.id END FROM oldest o
$$;

-- Batches whose requests no longer arrive, oldest first.
CREATE FUNCTION ingest.abandoned_batches(older_than interval, at_most integer)
    RETURNS TABLE (account text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT b.account, b.id
    FROM ingest.batches b
    WHERE b.state = 'receiving' AND b.heartbeat_at < now() - older_than
    ORDER BY b.id
    LIMIT at_most
$$;

-- Sums over what is pending; those of the batches accepted by `known` tell how much was finished
-- since.
CREATE FUNCTION ingest.backlog(known timestamptz)
    RETURNS TABLE (
        batches bigint, items bigint, bytes bigint, oldest timestamptz, newest timestamptz,
        known_items bigint, known_bytes bigint, asked_at timestamptz, seconds double precision
    )
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*), coalesce(sum(b.received), 0)::bigint,
           coalesce(sum(b.payload_bytes), 0)::bigint,
           min(b.accepted_at), max(b.accepted_at),
           coalesce(sum(b.received) FILTER (WHERE b.accepted_at <= known), 0)::bigint,
           coalesce(sum(b.payload_bytes) FILTER (WHERE b.accepted_at <= known), 0)::bigint,
           statement_timestamp(),
           extract(epoch FROM clock_timestamp() - statement_timestamp())::double precision
    FROM ingest.batches b
    WHERE b.state = 'accepted' AND b.accepted_at IS NOT NULL
$$;

-- The same of all accounts, in the first row, and of each of those with the most.
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

-- At most `at_most` batches of each kind. Only finished ones, and only by when they finished; ids
-- begin with the time at which they were made, so what is older than `before` needs no other index.
-- Batches are looked up (LIMIT keeps it so): joined plainly, they may be read along their primary key
-- from the first that there ever was. Of what is kept to be repaired nothing expires.
CREATE FUNCTION ingest.expired_batches(
    payload_age interval, answer_age interval, row_age interval, at_most integer
)
    RETURNS TABLE (kind text, account text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH before AS (
        SELECT (lpad(to_hex((extract(epoch FROM now() - payload_age) * 1000)::bigint), 12, '0')
                || repeat('0', 20))::uuid AS payload,
               (lpad(to_hex((extract(epoch FROM now() - row_age) * 1000)::bigint), 12, '0')
                || repeat('0', 20))::uuid AS row
    )
    -- The payload of a batch that failed for the service's own reason is for `ingest batches retry`.
    (SELECT DISTINCT 'payload', b.account, p.batch
     FROM ingest.payloads p
     CROSS JOIN LATERAL (SELECT * FROM ingest.batches b WHERE b.id = p.batch LIMIT 1) b
     WHERE p.batch < (SELECT payload FROM before)
       AND b.finished_at < now() - CASE WHEN b.error IS NULL THEN payload_age ELSE row_age END
       AND NOT b.kept
     ORDER BY p.batch LIMIT at_most)
    UNION ALL
    (SELECT 'answer', b.account, b.id
     FROM ingest.batches b
     WHERE b.finished_at IS NOT NULL AND (b.data IS NOT NULL OR b.idempotency_key IS NOT NULL)
       AND b.finished_at < now() - answer_age AND NOT b.kept
     ORDER BY b.finished_at LIMIT at_most)
    UNION ALL
    (SELECT DISTINCT 'failures', b.account, f.batch
     FROM ingest.failures f
     CROSS JOIN LATERAL (SELECT * FROM ingest.batches b WHERE b.id = f.batch LIMIT 1) b
     WHERE f.batch < (SELECT row FROM before)
       AND b.finished_at < now() - row_age AND NOT b.kept
     ORDER BY f.batch LIMIT at_most)
    UNION ALL
    (SELECT 'row', b.account, b.id
     FROM ingest.batches b
     WHERE (b.state IN ('rejected', 'failed')
            OR (b.state = 'committed' AND b.created = 0 AND b.updated = 0))
       AND b.finished_at < now() - row_age AND b.idempotency_key IS NULL AND NOT b.kept
     ORDER BY b.finished_at LIMIT at_most)
$$;

-- Batches that are kept to be repaired for too long, the oldest first.
CREATE FUNCTION ingest.expired_repairs(age interval, at_most integer)
    RETURNS TABLE (account text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT b.account, b.id
    FROM ingest.batches b
    WHERE b.kept AND b.finished_at < now() - age
    ORDER BY b.finished_at
    LIMIT at_most
$$;

-- Batches whose before-images are older than that, the oldest first.
CREATE FUNCTION ingest.expired_images(age interval, at_most integer)
    RETURNS TABLE (account text, collection text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH before AS (
        SELECT (lpad(to_hex((extract(epoch FROM now() - age) * 1000)::bigint), 12, '0')
                || repeat('0', 20))::uuid AS id
    )
    SELECT DISTINCT i.account::text, i.collection, i.batch
    FROM ingest.before_images i
    WHERE i.batch < (SELECT id FROM before) AND i.made_at < now() - age
    ORDER BY i.batch
    LIMIT at_most
$$;

-- Batches whose before-images are more than `most` bytes, with all newer ones of their account.
CREATE FUNCTION ingest.excess_images(most bigint, at_most integer)
    RETURNS TABLE (account text, collection text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH over AS (
        SELECT i.account FROM ingest.before_images i
        WHERE i.made_at > '-infinity'
        GROUP BY i.account HAVING sum(i.bytes) > most
    )
    SELECT DISTINCT s.account::text, s.collection, s.batch
    FROM (
        SELECT i.account, i.collection, i.batch, sum(i.bytes) OVER (
                   PARTITION BY i.account ORDER BY i.made_at DESC, i.batch DESC
               ) AS until
        FROM ingest.before_images i
        WHERE i.made_at > '-infinity' AND i.account IN (SELECT over.account FROM over)
    ) s
    WHERE s.until > most
    ORDER BY s.batch
    LIMIT at_most
$$;

-- Only the service calls any of them. A function's owner must be able to create in its schema while
-- it becomes the owner.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ingest FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ingest TO ingest_app;
GRANT CREATE ON SCHEMA ingest TO ingest_lookup;
ALTER FUNCTION ingest.find_token OWNER TO ingest_lookup;
ALTER FUNCTION ingest.unfinished_batches(interval, integer) OWNER TO ingest_lookup;
ALTER FUNCTION ingest.unfinished_batches(interval, integer, text[]) OWNER TO ingest_lookup;
ALTER FUNCTION ingest.abandoned_batches OWNER TO ingest_lookup;
ALTER FUNCTION ingest.backlog OWNER TO ingest_lookup;
ALTER FUNCTION ingest.backlog_by_account OWNER TO ingest_lookup;
ALTER FUNCTION ingest.expired_batches OWNER TO ingest_lookup;
ALTER FUNCTION ingest.expired_repairs OWNER TO ingest_lookup;
ALTER FUNCTION ingest.expired_images OWNER TO ingest_lookup;
ALTER FUNCTION ingest.excess_images OWNER TO ingest_lookup;
REVOKE CREATE ON SCHEMA ingest FROM ingest_lookup;
