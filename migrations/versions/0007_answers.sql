-- What answers need. Run by 0007_answers.py.

-- Batches of an account in one round trip, with the rights of whoever asks: the account is set
-- first, and row-level security holds what follows to it.
CREATE FUNCTION ingest.batches_of(owner text, wanted uuid[])
    RETURNS SETOF ingest.batches
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('ingest.account', owner, true);
    RETURN QUERY SELECT * FROM ingest.batches b WHERE b.account = owner AND b.id = ANY (wanted);
END $$;

REVOKE ALL ON FUNCTION ingest.batches_of(text, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.batches_of(text, uuid[]) TO ingest_app;
