"""SQL that takes the pending batches of a collection, and applies them in the same statement.

Parameters besides those of `apply`: $1 one more than the most batches that it applies, 0 to lock
the collection only; $6 to $8 the action, options and layout that all of them must have; $9 and $10
the most items and bytes of all of them. It applies all that is pending, or nothing.
"""

from ingest.store.statements.apply import Apply

_READY = """waiting AS MATERIALIZED (
    SELECT w.*, row_number() OVER (ORDER BY w.id) AS position
    FROM ingest.take_waiting($2, $3, $1, '{}', '{}') w
), ready(batch, position) AS MATERIALIZED (
    SELECT w.id, w.position
    FROM waiting w
    WHERE (
        SELECT count(*) < $1::integer AND sum(a.received) <= $9 AND sum(a.payload_bytes) <= $10
            AND bool_and(a.action = $6 AND a.options::text = $7
                AND a.layout IS NOT DISTINCT FROM $8)
            AND NOT EXISTS (SELECT FROM ingest.quotas q WHERE q.account = $2)
        FROM waiting a
    )
)"""


class AtOnce(Apply):
    """Writes `at_once` of one kind of batch."""

    batches = "ready AS g"
    ids = "ARRAY(SELECT batch FROM ready)"
    first = (_READY,)

    def _finish(self) -> str:
        """What is pending is read in any case.

        Before the account is set, row-level security hides all rows, and the parts that need some
        are not begun.
        """
        return f""", finished AS (
    {super()._finish()}
)
SELECT finished.* FROM (SELECT count(*) FROM waiting) taken LEFT JOIN finished ON true"""

    def _finished(self) -> tuple[str, str]:
        """A batch that is not complete fails the statement: none of its items may stay."""
        return f", received = CASE WHEN {self.complete} THEN b.received END", ""
