"""What a batch that undoes another one finds: the rows that it wrote, and what they were before.

An item of such a batch is a row that the other one has changed. First come those that have a
before-image, in the order of its items, then those that it created, by key. `$kind` says what is
to become of it::

    u  was updated: its columns get the values of its image
    d  was deleted: the image becomes a row again
    c  was created: the row is deleted
    l  was created, and is not as it was left

A row is as the other batch left it where it names that batch as its writer. What was done since is
found by the before-images of others, which name the writers of what they replaced.
"""

from ingest.store.statements.parts import Parts
from ingest.store.tables import ACCOUNT, BATCH, GROUP, VERSION, images_name, quote

_IMAGES = """LATERAL (
            SELECT row_number() OVER () AS place, "$r" AS was FROM unnest(m.images) "$r"
        ) e"""
_CLOCKS = "interval '1 hour'"  # by which those of two servers may differ, after a failover


class Undone(Parts):
    """Parts of every statement of such a batch, which is always alone in it."""

    def _sources(self, which: str = "") -> list[str]:
        """Args: `which` is a condition for the items `r`."""
        return [
            self._original(),
            *([self._own_groups()] if self.may_meet_others else []),
            self._was(),
            self._left(),
            self._since(),
            self._changed_items(),
            self._resolved_items(which),
        ]

    def _original(self) -> str:
        return """original AS MATERIALIZED (
    SELECT b.id AS batch, o.id AS undone, o.created, o.updated, o.finished_at
    FROM ingest.batches b
    CROSS JOIN LATERAL (
        SELECT * FROM ingest.batches o
        WHERE o.account = $2 AND o.id = (b.options ->> 'reverts')::uuid LIMIT 1
    ) o
    WHERE b.account = $2 AND b.id = ANY ($1::uuid[])
)"""

    def _was(self) -> str:
        """The images, and the rows that have their keys now."""
        stored = self._found("t", "i", [(self.resource.key, f"(i.was).{self.key}")])
        return f"""was AS MATERIALIZED (
    SELECT i.*, t.{self.key} AS target, t."{BATCH}" AS writer
    FROM (
        SELECT m.deleted, m.chunk, e.place, e.was, m.account::text AS "{ACCOUNT}"
        FROM original o
        JOIN {images_name(self.resource)} m ON m.account = $2 AND m.batch = o.undone
        CROSS JOIN {_IMAGES}
        OFFSET 0
    ) i LEFT JOIN {stored}
)"""

    def _left(self) -> str:
        """The keys of all that is as it was left, where some of it was created.

        For that the account is read once.
        """
        return f"""kept AS MATERIALIZED (
    SELECT t.{self.key} AS key
    FROM (SELECT * FROM {self.table} OFFSET 0) t
    WHERE (SELECT o.created FROM original o) > 0
      AND t."{ACCOUNT}" = $2 AND t."{BATCH}" = (SELECT o.undone FROM original o)
)"""

    def _since(self) -> str:
        """What others made of rows that were as they were left; looked for where some are not."""
        return f"""since AS MATERIALIZED (
    SELECT DISTINCT ON ((s.was).{self.key}) (s.was).{self.key} AS key, s.batch AS later,
        (s.was)."{GROUP}" AS "group"
    FROM (
        SELECT m.batch, c.made_at, e.was
        FROM original o
        JOIN ingest.before_images c ON c.account = $2 AND c.made_at > '-infinity'
            AND c.made_at > o.finished_at - {_CLOCKS}
            AND c.writers @> ARRAY[o.undone]
        CROSS JOIN LATERAL (
            SELECT * FROM {images_name(self.resource)} m
            WHERE m.account = $2 AND m.batch = c.batch AND m.deleted = c.deleted
              AND m.chunk = c.chunk
            LIMIT 1
        ) m
        CROSS JOIN {_IMAGES}
        WHERE (e.was)."{BATCH}" = o.undone
        OFFSET 0
    ) s
    WHERE EXISTS (SELECT FROM was w WHERE NOT w.deleted AND w.target IS NULL)
        OR (SELECT o.created > 0 AND o.created + o.updated > (SELECT count(*) FROM kept)
            FROM original o)
    ORDER BY (s.was).{self.key}, s.made_at
)"""

    def _changed_items(self) -> str:
        """All items; of what was created and is nowhere to be found, only how many there are.

        What is known of one key is put together by a sort: where the planner expects few rows, it
        would join each with all.
        """
        none, no_key = f"NULL::{self.table}", f"NULL::{self.resource.key.type.value}"
        return f"""known_of(kind, deleted, chunk, place, key, was, later, "group") AS (
    SELECT CASE WHEN w.deleted THEN 'd' ELSE 'u' END, w.deleted, w.chunk, w.place,
        (w.was).{self.key}, w.was, NULL::text, (w.was)."{GROUP}"
    FROM was w
    UNION ALL
    SELECT 'c', NULL, NULL, NULL, k.key, {none}, NULL, NULL FROM kept k
    UNION ALL
    SELECT 'l', NULL, NULL, NULL, s.key, {none}, s.later::text, s."group" FROM since s
), found AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY e.imaged DESC, e.deleted, e.chunk, e.place, e.key) - 1 AS n,
        e.kind, e.was, e.since, e."group", e.key
    FROM (
        SELECT k.*, max(k.later) OVER same AS since,
            bool_or(k.kind IN ('u', 'd')) OVER same AS imaged
        FROM known_of k
        WINDOW same AS (PARTITION BY k.key)
    ) e
    WHERE NOT e.imaged OR e.kind IN ('u', 'd')
), items("$n", "$kind", "$was", "$since", "$left", "$key", "{ACCOUNT}") AS MATERIALIZED (
    SELECT f.*, $2::text FROM found f
    UNION ALL
    SELECT g.n - 1, 'l', {none}, NULL, NULL, {no_key}, $2
    FROM (SELECT count(*) AS all, count(*) FILTER (WHERE f.kind IN ('c', 'l')) AS created
          FROM found f) c
    CROSS JOIN LATERAL generate_series(
        c.all + 1, c.all + (SELECT o.created FROM original o) - c.created
    ) g(n)
)"""

    def _resolved_items(self, which: str) -> str:
        only = f"\n    WHERE {which}" if which else ""
        stored = self._found("t", "r", [(self.resource.key, 'r."$key"')])
        return f"""resolved AS MATERIALIZED (
    SELECT r.* FROM (
        SELECT o.batch AS "$batch", r."$n"::integer AS "$i", r.*, t.{self.key} AS "$target",
            t."{VERSION}" AS "$stored", coalesce(t."{GROUP}", r."$left") AS "$in",
            coalesce(t."{BATCH}", r."$since"::uuid) AS "$later", CASE r."$kind"
                WHEN 'u' THEN t."{BATCH}" IS DISTINCT FROM o.undone
                WHEN 'd' THEN t."{BATCH}" IS NOT NULL
                ELSE r."$kind" = 'l'
            END AS "$stale"{self._before()}
        FROM original o CROSS JOIN items r LEFT JOIN {stored}
    ) r{only}
)"""

    def _known(self) -> str:
        return """known AS (
    SELECT * FROM resolved
)"""

    def _wanted(self) -> str:
        """Each item with the unique values that it would leave; NULL where it leaves none."""
        new = "".join(
            f""", CASE WHEN r."$kind" <> 'c' AND NOT r."$stale"
            THEN (r."$was").{quote(field.column)} END AS "$new{number}\""""
            for number, field in self._unique_columns()
        )
        return f"""wanted AS MATERIALIZED (
    SELECT r.*, NOT r."$stale" AS "$decides"{new}
    FROM known r
)"""
