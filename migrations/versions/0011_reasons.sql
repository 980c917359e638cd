-- Why batches broke before the upgrade. Run by 0011_reasons.py.

-- Earlier releases kept the database's own words as `description`, which the account is shown; what
-- is for operators is `reason` now. No operator of json reads a document with a NUL in it, so a
-- space stands for it. The state is there for an index to find them.
UPDATE ingest.batches b
SET error = json_build_object(
    'type', before.error -> 'type',
    'code', before.error -> 'code',
    'name', before.error -> 'name',
    'message', before.error -> 'message',
    'description', 'It is not its items'' fault; the operator can have it tried again.',
    'reason', before.error -> 'description'
)
FROM (
    SELECT id, replace(error::text, '\u0000', '\u0020')::json AS error
    FROM ingest.batches
    WHERE state = 'failed' AND error IS NOT NULL
) AS before
WHERE b.id = before.id
  AND before.error -> 'reason' IS NULL AND before.error -> 'description' IS NOT NULL;
