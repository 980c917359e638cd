-- A batch that is rejected for its items also names the limit that its other items would have passed.
ALTER TABLE ingest.batches
    DROP CONSTRAINT only_a_failure_has_a_refusal,
    ADD CONSTRAINT only_a_failure_has_a_refusal
        CHECK (refusal IS NULL OR state IN ('rejected', 'failed'));
