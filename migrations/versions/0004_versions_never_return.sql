-- No version of a key returns after the item was deleted.
ALTER TABLE ingest.counters ADD COLUMN last_version bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN ingest.counters.last_version IS
    'the highest of all items that were deleted: what is created later starts above it';
-- What was deleted before is not known: no item was changed as often as this.
UPDATE ingest.counters SET last_version = 1000000;
