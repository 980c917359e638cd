"""SQL of a batch that undoes another one: what is in its way, and what puts the rows back."""

from ingest.errors import OTHER_GROUP, VERSION_MISMATCH
from ingest.model import Action, Options
from ingest.resources.layout import Layout
from ingest.store.statements.apply import BORN, Apply
from ingest.store.statements.check import IDENTITY, Check, conflict, repeated
from ingest.store.statements.undone import Undone
from ingest.store.tables import BATCH, VERSION, kept_columns, quote

ALONE = "SELECT b AS batch FROM unnest($1::uuid[]) b WHERE $2::text IS NOT NULL"
"""As `conflicting`: no such batch is applied with others."""
_OF_OTHERS = 'NOT EXISTS (SELECT FROM own WHERE own.batch = "$batch" AND own.name = "$in")'


class RevertCheck(Undone, Check):
    """Writes `check`, `stranded`, `creating` and `named`; the parameters are those of `Check`."""

    def __init__(self, resource: Layout, action: Action, options: Options) -> None:
        super().__init__(resource, action, options)
        self.gives_up = bool(self.unique)

    def named(self) -> str:
        """Of the items whose indices are $3: the key of each, and the batch that changed it since.

        In the order of their indices.
        """
        return f"""WITH {", ".join(self._sources())}
SELECT r."$i" AS "index", to_json(r."$key")::text AS key,
    CASE WHEN r."$stale" THEN r."$later" END AS later
FROM resolved r
WHERE r."$i" = ANY ($3::integer[])
ORDER BY r."$i\""""

    def _conflicts(self) -> list[str]:
        found = [conflict(VERSION_MISMATCH.code, IDENTITY, '"$stale"')]
        if self.may_meet_others:
            found.append(conflict(OTHER_GROUP.code, IDENTITY, _OF_OTHERS))
        for number, fields in enumerate(self.unique, start=1):
            # An attribute may have become unique since.
            new = [f'"$new{n}"' for n, field in self._unique_columns() if field in fields]
            found += [repeated("wanted", new, number), self._taken_unique(number)]
        return found


class Revert(Undone, Apply):
    """Writes `apply`, with the parameters of `Apply`."""

    def _good(self) -> list[str]:
        good = """good AS MATERIALIZED (
    SELECT r.* FROM resolved r WHERE r."$i" <> ALL ($4::integer[])
)"""
        return [*self._sources(), good]

    def _written(self) -> list[str]:
        results = [
            self._result("d", "deleted"),
            self._result("u", "updated"),
            f"""SELECT m."$by", m."$n", 'c', {self._item("t")}
FROM remade m CROSS JOIN LATERAL (SELECT (m.made).*) t""",
        ]
        every = "\nUNION ALL\n".join(results)
        return [
            self._delete(),
            self._restore(),
            *self._remake(),
            *self._images(updated=True, deleted=True),
            f"results(batch, n, letter, item) AS (\n{every}\n)",
            self._totals(),
        ]

    def _delete(self) -> str:
        return f"""deleted AS (
    DELETE FROM {self.table} t
    USING good g
    WHERE g."$kind" = 'c' AND {self._means()}
    RETURNING g."$batch" AS "$by", g."$n"{self._image()}, t.*
)"""

    def _restore(self) -> str:
        """The columns that the layout knows: no other has changed."""
        names = [field.column for field in self._changeable()] + kept_columns(self.resource)
        back = "".join(f'{quote(name)} = (g."$was").{quote(name)}, ' for name in names)
        return f"""updated AS (
    UPDATE {self.table} t
    SET {back}"{VERSION}" = t."{VERSION}" + 1, "$updated_at" = statement_timestamp(),
        "{BATCH}" = g."$batch"
    FROM good g
    WHERE g."$kind" = 'u' AND {self._means()}
    RETURNING g."$n"{self._kept_image()}, t.*
)"""

    def _remake(self) -> list[str]:
        """Rows as they were, also in columns that the layout does not know."""
        return [
            f"""remade AS MATERIALIZED (
    SELECT g."$batch" AS "$by", g."$n", json_populate_record(g."$was", json_build_object(
        '{BATCH}', g."$batch", '{VERSION}', {BORN}
    )) AS made
    FROM good g
    WHERE g."$kind" = 'd'
)""",
            f"""created AS (
    INSERT INTO {self.table} SELECT (m.made).* FROM remade m ORDER BY m."$n"
)""",
        ]
