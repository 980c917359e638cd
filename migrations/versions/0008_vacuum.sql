-- How autovacuum keeps up. Run by 0008_vacuum.py.

-- Staged payloads live for an hour (INGEST_PAYLOAD_TTL) and are nearly all in the TOAST table. With
-- autovacuum's own cost delay they become free at 18 MiB/s, or at half of that while another table
-- is vacuumed, too: a load that stages more than that lets the table grow for ever. What is freed
-- is what was written a moment ago, so there is no reason to be slow about it.
-- The heap itself is small, and giving up its last page takes a lock that stops everybody.
ALTER TABLE ingest.payloads SET (
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_scale_factor = 0.05,
    vacuum_truncate = off,
    toast.autovacuum_vacuum_cost_delay = 0,
    toast.autovacuum_vacuum_scale_factor = 0.05
);

-- Each batch leaves one entry behind in the indexes of what waits, and whoever looks for what waits
-- walks over all of them until a vacuum has been there: 0.2 ms for 20,000, 3 ms for 300,000. Where
-- few rows are dead a vacuum leaves indexes as they are, unless it is told otherwise.
ALTER TABLE ingest.batches SET (
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_scale_factor = 0.02,
    vacuum_index_cleanup = on
);
