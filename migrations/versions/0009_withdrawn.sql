-- What is known of batches in doubt. Run by 0009_withdrawn.py.

-- Nobody can use the table meanwhile, so no row is read: all there are have the default, and NOT
-- VALID excepts none that come.
ALTER TABLE ingest.batches
    ADD COLUMN withdrawn boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT withdrawn_is_empty
        CHECK (NOT withdrawn OR (state = 'rejected' AND received = 0)) NOT VALID;
COMMENT ON COLUMN ingest.batches.withdrawn IS
    'no batch: its id was taken so that a statement that was lost on its way cannot write it';
