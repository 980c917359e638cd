"""SQL that finds every conflict that only stored data can show, of every item.

Among several batches, an item that repeats a value of an earlier batch is a conflict like one
inside a batch: such batches cannot be applied together.
"""

from ingest.errors import (
    AMBIGUOUS_MATCH,
    DUPLICATE,
    DUPLICATE_IN_BATCH,
    INVALID,
    ITEM_NOT_FOUND,
    OTHER_GROUP,
    VERSION_MISMATCH,
)
from ingest.model import Action
from ingest.resources.layout import StoredField
from ingest.store.statements.parts import INDEX_MASK, Parts
from ingest.store.tables import quote

# Which attribute a conflict is about. Unique attributes are counted from 1.
IDENTITY, KEY = 0, -1


_OF_OTHERS = (
    '"$target" IS NOT NULL AND NOT EXISTS '
    '(SELECT FROM own WHERE own.batch = "$batch" AND own.name = "$in")'
)


class Check(Parts):
    """Writes `check`, `stranded` and `creating` of one kind of batch."""

    def check(self, *, but_failed: bool = False) -> str:
        """Args: `but_failed` leaves out the items whose indices are $3."""
        which = 'r."$i" <> ALL ($3::integer[])' if but_failed else ""
        parts = [*self._sources(which), self._known()]
        if self.unique:
            parts.append(self._wanted())
        body = "\nUNION ALL\n".join(self._conflicts())
        return (
            f"WITH {', '.join(parts)}\n"
            "SELECT DISTINCT ON (c.n, c.attribute, c.code)\n"
            f'    c.batch, (c.n & {INDEX_MASK})::integer AS "index", c.code, c.attribute,\n'
            f"    (c.first & {INDEX_MASK})::integer AS first, c.stored\n"
            f"FROM (\n{body}\n) c(batch, n, code, attribute, first, inferred, stored)\n"
            "ORDER BY c.n, c.attribute, c.code, c.inferred"
        )

    def _conflicts(self) -> list[str]:
        return [
            *self._repeated_identity(),
            *self._wrong_target(),
            *self._repeated_unique(),
            *(self._taken_unique(number) for number in range(1, len(self.unique) + 1)),
        ]

    def creating(self) -> str:
        """How many of the items whose indices are not $3 would be new."""
        parts = self._sources('r."$i" <> ALL ($3::integer[])')
        return (
            f"WITH {', '.join(parts)}\n"
            'SELECT count(*)::integer FROM resolved WHERE "$target" IS NULL'
        )

    def _repeated_identity(self) -> list[str]:
        found = [repeated("items", [quote(self.identity.column)], IDENTITY)]
        if not self.by_key and self.action is not Action.DELETE:
            found.append(repeated("items", [self.key], KEY))
        return found

    def _wrong_target(self) -> list[str]:
        stale = '"$v" IS NOT NULL AND ("$target" IS NULL OR "$stored" IS DISTINCT FROM "$v")'
        found = [conflict(VERSION_MISMATCH.code, IDENTITY, stale, stored='"$stored"')]
        if not self._identity_is_unique():
            found.append(conflict(AMBIGUOUS_MATCH.code, IDENTITY, '"$ambiguous"', of="resolved"))
        if self.may_meet_others:
            found.append(conflict(OTHER_GROUP.code, IDENTITY, _OF_OTHERS))
        if self.action is Action.CREATE and not self.upsert:
            found.append(conflict(DUPLICATE.code, IDENTITY, '"$target" IS NOT NULL'))
        if not self.creates:
            absent = '"$target" IS NULL AND "$v" IS NULL'
            found.append(conflict(ITEM_NOT_FOUND.code, IDENTITY, absent))
        if not self.by_key and self.action is not Action.DELETE:
            found += self._wrong_key()
        if self.resource.database_key and self.upsert:
            attribute = IDENTITY if self.by_key else KEY
            unknown = '"$key" AND "$target" IS NULL'
            found.append(conflict(ITEM_NOT_FOUND.code, attribute, unknown))
        return found

    def _wrong_key(self) -> list[str]:
        """With `matching`, the key of a stored item stays, and a new item's must be free."""
        sent = f"{self.key} IS NOT NULL"
        if self.resource.server_key:
            sent = '"$key"'
        moved = f'{sent} AND "$target" IS NOT NULL AND "$target" <> {self.key}'
        found = [conflict(INVALID.code, KEY, moved)]
        if self.creates:
            held = self._found("t", "known", [(self.resource.key, f"known.{self.key}")])
            new = '"$target" IS NULL'
            found.append(conflict(DUPLICATE.code, KEY, new, of=f"known JOIN {held}"))
        return found

    def _repeated_unique(self) -> list[str]:
        found = []
        for number, fields in enumerate(self.unique, start=1):
            if fields == (self.identity,):
                continue
            carried = [self._carries("s", field) for field in fields]
            if set(fields) <= set(self.resource.fields):
                columns = [quote(field.column) for field in fields]
                only = carried if self.action is Action.UPDATE else []
                found.append(repeated("items", columns, number, only))
            if self.updates and len(fields) > 1:
                # Two sparse items may leave the same values, though neither carries all of them.
                new = [f'"$new{n}"' for n, field in self._unique_columns() if field in fields]
                touched = f"""("$target" IS NULL OR {" OR ".join(carried)})"""
                found.append(repeated("wanted", new, number, [touched]))
        return found

    def _taken_unique(self, number: int) -> str:
        return f"""SELECT w."$batch", w."$n", {DUPLICATE.code}, {number}, NULL::bigint, false,
    NULL::bigint
FROM wanted w
JOIN {self._found("h", "w", self._holds(number))}
WHERE (w."$target" IS NULL OR h.{self.key} <> w."$target"){self._not_given_up(number)}"""

    def _holds(self, number: int) -> list[tuple[StoredField, str]]:
        fields = self.unique[number - 1]
        return [(field, f'w."$new{n}"') for n, field in self._unique_columns() if field in fields]

    def _gives_up(self, number: int) -> str:
        """Item `g` means the row `h` and would leave it with another value."""
        fields = self.unique[number - 1]
        differs = " OR ".join(
            f'g."$new{n}" IS DISTINCT FROM h.{quote(field.column)}'
            for n, field in self._unique_columns()
            if field in fields
        )
        return f'g."$target" = h.{self.key} AND g."$decides" AND ({differs})'

    def _not_given_up(self, number: int) -> str:
        if not self.gives_up:
            return ""
        # A value that another batch gives up is not free until that is committed.
        given_up = f'{self._gives_up(number)} AND g."$batch" = w."$batch"'
        return f"\n  AND NOT EXISTS (SELECT FROM wanted g WHERE {given_up})"

    def stranded(self) -> str:
        needs = "\nUNION ALL\n".join(
            f"""SELECT w."$n", {number}, g."$n"
FROM wanted w
JOIN {self._found("h", "w", self._holds(number))}
JOIN wanted g ON {self._gives_up(number)}
WHERE w."$target" IS NULL OR h.{self.key} <> w."$target\""""
            for number in range(1, len(self.unique) + 1)
        )
        parts = [
            *self._sources(),
            self._known(),
            self._wanted(),
            f"needs(i, attribute, giver) AS MATERIALIZED (\n{needs}\n)",
            """failed(i, attribute) AS (
    SELECT bad.i::bigint, NULL::integer FROM unnest($3::integer[]) bad(i)
    UNION
    SELECT n.i, n.attribute FROM needs n JOIN failed f ON f.i = n.giver
)""",
        ]
        return (
            f"WITH RECURSIVE {', '.join(parts)}\n"
            f'SELECT i::integer AS "index", {DUPLICATE.code} AS code, attribute, '
            "NULL::integer AS first, NULL::bigint AS stored\n"
            f"FROM failed WHERE attribute IS NOT NULL ORDER BY i, attribute"
        )


def conflict(
    code: int, attribute: int, where: str, of: str = "known", stored: str = "NULL::bigint"
) -> str:
    items = of.partition(" ")[0]
    return (
        f'SELECT {items}."$batch", {items}."$n", {code}, {attribute}, NULL::bigint, false, '
        f"{stored} "
        f"FROM {of} WHERE {where}"
    )


def repeated(source: str, columns: list[str], attribute: int, only: list[str] | None = None) -> str:
    """Items that repeat the values of an earlier one; NULLs repeat nothing.

    Repetitions among the items themselves come before those inferred with the help of stored rows.
    """
    present = " AND ".join([*(f"{column} IS NOT NULL" for column in columns), *(only or [])])
    inferred = str(source != "items").lower()
    return f"""SELECT batch, n, {DUPLICATE_IN_BATCH.code}, {attribute}, first, {inferred},
    NULL::bigint
FROM (
    SELECT "$batch" AS batch, "$n" AS n, min("$n") OVER (PARTITION BY {", ".join(columns)}) AS first
    FROM {source} s
    WHERE {present}
) repeated
WHERE first < n"""
