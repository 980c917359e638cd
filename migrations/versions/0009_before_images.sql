-- A batch can be undone: before-images of what was changed or deleted, and batches that put them back.
ALTER TABLE ingest.batches
    DROP CONSTRAINT batches_action_check,
    ADD CONSTRAINT batches_action_check
        CHECK (action IN ('create', 'update', 'delete', 'revert'));

CREATE SCHEMA images;
GRANT USAGE ON SCHEMA images TO ingest_app;

-- An array of rows for each is in the table of its collection, in the schema `images`.
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
ALTER TABLE ingest.before_images ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON ingest.before_images TO ingest_app;
CREATE POLICY own_account ON ingest.before_images TO ingest_app
    USING (account = current_setting('ingest.account', true));
GRANT SELECT (account, collection, batch, made_at, bytes) ON ingest.before_images TO ingest_lookup;
CREATE POLICY lookup ON ingest.before_images FOR SELECT TO ingest_lookup USING (true);

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

REVOKE ALL ON FUNCTION ingest.expired_images, ingest.excess_images FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.expired_images, ingest.excess_images TO ingest_app;
GRANT CREATE ON SCHEMA ingest TO ingest_lookup;
ALTER FUNCTION ingest.expired_images OWNER TO ingest_lookup;
ALTER FUNCTION ingest.excess_images OWNER TO ingest_lookup;
REVOKE CREATE ON SCHEMA ingest FROM ingest_lookup;
