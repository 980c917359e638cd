"""The SQL that applies a batch to a resource's table, written once for each kind of batch.

Three statements, each set-based, each reading the staged records inside the database:

    check     every conflict that only stored data can show: item index, code, attribute, first
    stranded  lenient batches: items that need a value which a failed item would have given up
    apply     writes the good items, and the outcome of the batch beside them

Parameters: $1 batch id, $2 account, and for the last two $3, the indices of the failed items.
Names of the service begin with one `$`, names of a schema never do (see `ingest.resources`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ingest.columns import ColumnType
from ingest.errors import (
    AMBIGUOUS_MATCH,
    DUPLICATE,
    DUPLICATE_IN_BATCH,
    INVALID,
    ITEM_NOT_FOUND,
    VERSION_MISMATCH,
)
from ingest.model import Action, Options, Resolution
from ingest.resources import Resource, StoredField
from ingest.store.tables import quote, table_name

# Which attribute a conflict is about. Unique attributes are counted from 1.
IDENTITY, KEY = 0, -1


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of one kind of batch; `stranded` only where items can give values up."""

    check: str
    stranded: str | None
    apply: str


@lru_cache(maxsize=512)
def statements(resource: Resource, action: Action, options: Options) -> Statements:
    """The statements for batches of `resource` with this action and these options."""
    builder = _Builder(resource, action, options)
    return Statements(
        check=builder.check(),
        stranded=builder.stranded() if options.lenient and builder.gives_up else None,
        apply=builder.apply(),
    )


def item_object(resource: Resource, row: str, *, meta: bool) -> str:
    """SQL for the JSON object of one stored row, by column; `row` is the row's alias.

    Only what GET shows. Times and decimals are text in JSON, so that no digit is lost.
    """
    columns = [
        f"{_shown(field, row)} AS {quote(field.column)}" for field in resource.fields if field.shown
    ]
    if meta:
        columns.append(f'{_meta(row)} AS "meta"')
    return f"(SELECT row_to_json(shown) FROM (SELECT {', '.join(columns)}) shown)"


def _shown(field: StoredField, row: str) -> str:
    column = f"{row}.{quote(field.column)}"
    return f"{column}::text" if field.type.value == "numeric" else column


def _meta(row: str) -> str:
    def time(column: str) -> str:
        return f"""to_char({row}."{column}", 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""

    return (
        f"json_build_object('createdAt', {time('$created_at')}, "
        f"'updatedAt', {time('$updated_at')}, "
        f"""'version', {row}."$version", 'batch', {row}."$batch")"""
    )


class _Builder:
    """Writes the statements of one resource, action and set of options."""

    def __init__(self, resource: Resource, action: Action, options: Options) -> None:
        self.resource = resource
        self.action = action
        self.options = options
        self.table = table_name(resource)
        self.key = quote(resource.key.column)
        self.identity = self._identity()
        self.upsert = action is Action.CREATE and options.resolution is not Resolution.REFUSE
        merges = options.resolution is Resolution.MERGE
        self.updates = action is Action.UPDATE or (self.upsert and merges)
        self.creates = action is Action.CREATE
        self.by_key = self.identity is resource.key
        self.unique = resource.unique if action is not Action.DELETE else ()
        self.gives_up = self.updates and bool(self.unique)

    def _identity(self) -> StoredField:
        """The field that finds an item's stored row."""
        if self.options.matching is None:
            return self.resource.key
        return next(f for f in self.resource.fields if f.name == self.options.matching)

    # -- common table expressions -------------------------------------------------------------

    def _items(self) -> str:
        columns = [f"{quote(f.column)} {_declared(f)}" for f in self.resource.fields]
        extra = ['"$i" integer', '"$set" bit varying', '"$v" bigint', '"$key" boolean']
        if self.resource.keeps_unknown:
            extra.append('"$extra" jsonb')
        return f"""items AS MATERIALIZED (
    SELECT p.account AS "$account", r.*
    FROM ingest.payloads p
    CROSS JOIN LATERAL json_to_recordset(convert_from(p.records, 'UTF8')::json)
        AS r({", ".join([*extra, *columns])})
    WHERE p.account = $2 AND p.batch = $1
)"""

    def _resolved(self) -> str:
        """Each item with the stored row that it means, if there is one."""
        old = "".join(f', t.{quote(f.column)} AS "$old{n}"' for n, f in self._unique_columns())
        match = quote(self.identity.column)
        if self._identity_is_unique():
            stored = self._found("t", "i", [(self.identity, f"i.{match}")])
            several = "false"
        else:
            # The account is read once, however many items there are; OFFSET keeps it so.
            stored = f"""(
        SELECT t.*, row_number() OVER same AS "$number", lead(t.{self.key}) OVER same AS "$next"
        FROM (SELECT * FROM {self.table} OFFSET 0) t
        WHERE (t."$account", t.{match}) IN (SELECT "$account", {match} FROM items)
        WINDOW same AS (PARTITION BY t.{match} ORDER BY t.{self.key})
    ) t ON t."$number" = 1 AND t.{match} = i.{match}"""
            several = 't."$next" IS NOT NULL'
        return f"""resolved AS MATERIALIZED (
    SELECT i.*, t.{self.key} AS "$target", t."$version" AS "$stored",
        {several} AS "$ambiguous"{old}
    FROM items i
    LEFT JOIN {stored}
)"""

    def _found(self, row: str, item: str, equal: Sequence[tuple[StoredField, str]]) -> str:
        """What to JOIN an item with: the stored row, one at most, that has these values.

        LIMIT keeps it a look-up: joined plainly, the planner may read all rows of the account
        instead, where it has no statistics yet or believes the account small. numeric's operators
        are not leakproof, so under row-level security no index on it can be used: there the
        account is read once (OFFSET keeps it so), and not once for each item.
        """
        same = " AND ".join(f"{row}.{quote(field.column)} = {value}" for field, value in equal)
        same = f'{row}."$account" = {item}."$account" AND {same}'
        if any(field.type is ColumnType.NUMERIC for field, _ in equal):
            return f"(SELECT * FROM {self.table} OFFSET 0) {row} ON {same}"
        return f"LATERAL (SELECT * FROM {self.table} {row} WHERE {same} LIMIT 1) {row} ON true"

    def _known(self) -> str:
        """The items of which one can say which stored row they mean, if any."""
        return """known AS (
    SELECT * FROM resolved WHERE NOT "$ambiguous"
)"""

    def _wanted(self) -> str:
        """Each item with the unique values that it would leave; NULL where it writes none.

        What becomes of a row, the first item that means it decides; later ones are repeats.
        """
        new = "".join(f', {self._new_value(n, f)} AS "$new{n}"' for n, f in self._unique_columns())
        return f"""wanted AS MATERIALIZED (
    SELECT r.*, r."$i" = min(r."$i") OVER (PARTITION BY r."$target") AS "$decides"{new}
    FROM known r
)"""

    def _new_value(self, number: int, field: StoredField) -> str:
        sent = f"r.{quote(field.column)}"
        carried = f'get_bit(r."$set", {self._position(field)}) = 1'
        changed = f'CASE WHEN {carried} THEN {sent} ELSE r."$old{number}" END'
        if self.action is Action.UPDATE:
            return f'CASE WHEN r."$target" IS NOT NULL THEN {changed} END'
        if self.options.resolution is Resolution.MERGE:
            return f'CASE WHEN r."$target" IS NULL THEN {sent} ELSE {changed} END'
        if self.options.resolution is Resolution.IGNORE:
            return f'CASE WHEN r."$target" IS NULL THEN {sent} END'
        return sent

    def _good(self) -> list[str]:
        """The items that nothing is wrong with."""
        only_creates = self.creates and not self.upsert
        source = "items" if only_creates else "resolved"
        good = f"""good AS MATERIALIZED (
    SELECT r.*
    FROM {source} r
    WHERE NOT EXISTS (SELECT FROM unnest($3::integer[]) bad(i) WHERE bad.i = r."$i")
)"""
        return [self._items(), good] if only_creates else [self._items(), self._resolved(), good]

    # -- check --------------------------------------------------------------------------------

    def check(self) -> str:
        parts = [self._items(), self._resolved(), self._known()]
        if self.unique:
            parts.append(self._wanted())
        conflicts = [
            *self._repeated_identity(),
            *self._wrong_target(),
            *self._repeated_unique(),
            *(self._taken_unique(number) for number in range(1, len(self.unique) + 1)),
        ]
        body = "\nUNION ALL\n".join(conflicts)
        return (
            f"WITH {_join(parts)}\n"
            "SELECT DISTINCT ON (c.i, c.attribute, c.code)\n"
            '    c.i AS "index", c.code, c.attribute, c.first\n'
            f"FROM (\n{body}\n) c(i, code, attribute, first, inferred)\n"
            "ORDER BY c.i, c.attribute, c.code, c.inferred"
        )

    def _repeated_identity(self) -> list[str]:
        repeated = [_repeated("items", [quote(self.identity.column)], IDENTITY)]
        if not self.by_key and self.action is not Action.DELETE:
            repeated.append(_repeated("items", [self.key], KEY))
        return repeated

    def _wrong_target(self) -> list[str]:
        stale = '"$v" IS NOT NULL AND ("$target" IS NULL OR "$stored" IS DISTINCT FROM "$v")'
        found = [_conflict(VERSION_MISMATCH.code, IDENTITY, stale)]
        if not self._identity_is_unique():
            found.append(_conflict(AMBIGUOUS_MATCH.code, IDENTITY, '"$ambiguous"', of="resolved"))
        if self.action is Action.CREATE and not self.upsert:
            found.append(_conflict(DUPLICATE.code, IDENTITY, '"$target" IS NOT NULL'))
        if not self.creates:
            absent = '"$target" IS NULL AND "$v" IS NULL'
            found.append(_conflict(ITEM_NOT_FOUND.code, IDENTITY, absent))
        if not self.by_key and self.action is not Action.DELETE:
            found += self._wrong_key()
        return found

    def _wrong_key(self) -> list[str]:
        """With `matching`, the key of a stored item stays, and a new item's must be free."""
        sent = f"{self.key} IS NOT NULL"
        if self.resource.server_key:
            sent = '"$key"'
        moved = f'{sent} AND "$target" IS NOT NULL AND "$target" <> {self.key}'
        found = [_conflict(INVALID.code, KEY, moved)]
        if self.creates:
            held = self._found("t", "known", [(self.resource.key, f"known.{self.key}")])
            new = '"$target" IS NULL'
            found.append(_conflict(DUPLICATE.code, KEY, new, of=f"known JOIN {held}"))
        return found

    def _repeated_unique(self) -> list[str]:
        found = []
        for number, group in enumerate(self.unique, start=1):
            if group == (self.identity,):
                continue
            columns = [quote(field.column) for field in group]
            carried = [f'get_bit("$set", {self._position(field)}) = 1' for field in group]
            only = carried if self.action is Action.UPDATE else []
            found.append(_repeated("items", columns, number, only))
            if self.updates and len(group) > 1:
                # Two sparse items may leave the same values, though neither carries all of them.
                new = [f'"$new{n}"' for n, field in self._unique_columns() if field in group]
                touched = f"""("$target" IS NULL OR {" OR ".join(carried)})"""
                found.append(_repeated("wanted", new, number, [touched]))
        return found

    def _taken_unique(self, number: int) -> str:
        return f"""SELECT w."$i", {DUPLICATE.code}, {number}, NULL::integer, false
FROM wanted w
JOIN {self._found("h", "w", self._holds(number))}
WHERE (w."$target" IS NULL OR h.{self.key} <> w."$target"){self._not_given_up(number)}"""

    def _holds(self, number: int) -> list[tuple[StoredField, str]]:
        group = self.unique[number - 1]
        return [(field, f'w."$new{n}"') for n, field in self._unique_columns() if field in group]

    def _gives_up(self, number: int) -> str:
        """Item `g` means the row `h` and would leave it with another value."""
        group = self.unique[number - 1]
        differs = " OR ".join(
            f'g."$new{n}" IS DISTINCT FROM h.{quote(field.column)}'
            for n, field in self._unique_columns()
            if field in group
        )
        return f'g."$target" = h.{self.key} AND g."$decides" AND ({differs})'

    def _not_given_up(self, number: int) -> str:
        if not self.gives_up:
            return ""
        return f"\n  AND NOT EXISTS (SELECT FROM wanted g WHERE {self._gives_up(number)})"

    # -- stranded -----------------------------------------------------------------------------

    def stranded(self) -> str:
        needs = "\nUNION ALL\n".join(
            f"""SELECT w."$i", {number}, g."$i"
FROM wanted w
JOIN {self._found("h", "w", self._holds(number))}
JOIN wanted g ON {self._gives_up(number)}
WHERE w."$target" IS NULL OR h.{self.key} <> w."$target\""""
            for number in range(1, len(self.unique) + 1)
        )
        parts = [
            self._items(),
            self._resolved(),
            self._known(),
            self._wanted(),
            f"needs(i, attribute, giver) AS MATERIALIZED (\n{needs}\n)",
            """failed(i, attribute) AS (
    SELECT bad.i, NULL::integer FROM unnest($3::integer[]) bad(i)
    UNION
    SELECT n.i, n.attribute FROM needs n JOIN failed f ON f.i = n.giver
)""",
        ]
        return (
            f"WITH RECURSIVE {_join(parts)}\n"
            f'SELECT i AS "index", {DUPLICATE.code} AS code, attribute, NULL::integer AS first\n'
            f"FROM failed WHERE attribute IS NOT NULL ORDER BY i, attribute"
        )

    # -- apply --------------------------------------------------------------------------------

    def apply(self) -> str:
        parts = self._good()
        results = []
        if self.action is Action.DELETE:
            parts.append(self._delete())
            results.append(self._result("d", "deleted"))
        if self.updates:
            parts.append(self._update())
            results.append(self._result("u", "updated"))
        if self.creates:
            parts.append(self._insert())
            results.append(self._created())
        if self.updates or self.upsert:
            results.append(self._unchanged())
        parts.append("results(i, letter, item) AS (\n" + "\nUNION ALL\n".join(results) + "\n)")
        return f"WITH {_join([*parts, self._count()])}\n{self._finish()}"

    def _item(self, row: str) -> str:
        if not self.options.representation:
            return "NULL::json"
        return item_object(self.resource, row, meta=self.options.meta)

    def _insert(self) -> str:
        columns = [quote(field.column) for field in self.resource.fields]
        columns += ['"$extra"'] if self.resource.keeps_unknown else []
        listed = ", ".join(columns)
        selected = ", ".join(f"g.{column}" for column in columns)
        only = '\n    WHERE g."$target" IS NULL' if self.upsert else ""
        return f"""created AS (
    INSERT INTO {self.table} AS t
        ("$account", "$batch", "$version", "$created_at", "$updated_at", {listed})
    SELECT $2, $1, 1, statement_timestamp(), statement_timestamp(), {selected}
    FROM good g{only}
    ORDER BY g."$i"
    RETURNING t.*
)"""

    def _created(self) -> str:
        if self.options.representation:
            return f"""SELECT g."$i", 'c', {self._item("t")}
FROM created t JOIN good g ON g.{self.key} = t.{self.key}"""
        only = ' WHERE g."$target" IS NULL' if self.upsert else ""
        return f"""SELECT g."$i", 'c', NULL::json FROM good g{only}"""

    def _update(self) -> str:
        changes = [(quote(f.column), self._changed(f)) for f in self._changeable()]
        if self.resource.keeps_unknown:
            merged = """coalesce(t."$extra" || g."$extra", g."$extra", t."$extra")"""
            changes.append(('"$extra"', merged))
        assignments = [f"{column} = {value}" for column, value in changes]
        old = ", ".join(f"t.{column}" for column, _ in changes)
        new = ", ".join(value for _, value in changes)
        differs = f"({old}) IS DISTINCT FROM ({new})" if changes else "false"
        if len(changes) == 1:
            differs = f"{old} IS DISTINCT FROM {new}"
        assignments += [
            '"$version" = t."$version" + 1',
            '"$updated_at" = statement_timestamp()',
            '"$batch" = $1',
        ]
        return f"""updated AS (
    UPDATE {self.table} t
    SET {", ".join(assignments)}
    FROM good g
    WHERE {self._means()}
      AND {differs}
    RETURNING g."$i", t.*
)"""

    def _means(self) -> str:
        """Row `t` is the one that item `g` means; as in `_found`, no index is of use to numeric."""
        account = "$2" if self.resource.key.type is ColumnType.NUMERIC else 'g."$account"'
        return f't."$account" = {account} AND t.{self.key} = g."$target"'

    def _changed(self, field: StoredField) -> str:
        column = quote(field.column)
        carried = f'get_bit(g."$set", {self._position(field)}) = 1'
        return f"CASE WHEN {carried} THEN g.{column} ELSE t.{column} END"

    def _changeable(self) -> list[StoredField]:
        return [field for field in self.resource.fields if field is not self.resource.key]

    def _delete(self) -> str:
        return f"""deleted AS (
    DELETE FROM {self.table} t
    USING good g
    WHERE {self._means()}
    RETURNING g."$i", t.*
)"""

    def _result(self, letter: str, source: str) -> str:
        return f"""SELECT t."$i", '{letter}', {self._item("t")} FROM {source} t"""

    def _unchanged(self) -> str:
        stored = self._found("t", "g", [(self.resource.key, 'g."$target"')])
        changed = '\nWHERE NOT EXISTS (SELECT FROM updated u WHERE u."$i" = g."$i")'
        return f"""SELECT g."$i", 'n', {self._item("t")}
FROM good g JOIN {stored}{changed if self.updates else ""}"""

    def _count(self) -> str:
        return """totals AS (
    SELECT count(*) AS items_count,
           count(*) FILTER (WHERE letter = 'c')::integer AS created,
           count(*) FILTER (WHERE letter = 'u')::integer AS updated,
           count(*) FILTER (WHERE letter = 'n')::integer AS unchanged,
           count(*) FILTER (WHERE letter = 'd')::integer AS deleted,
           coalesce(string_agg(letter, '' ORDER BY i), '') AS outcomes,
           json_agg(item ORDER BY i) AS items
    FROM results
), counted AS (
    UPDATE ingest.counters c
    SET items = c.items + totals.created - totals.deleted
    FROM totals
    WHERE c.account = $2 AND c.collection = $4 AND totals.created <> totals.deleted
)"""

    def _finish(self) -> str:
        data = "coalesce(totals.items, '[]')" if self.options.representation else "NULL"
        return f"""UPDATE ingest.batches b
SET state = 'committed', finished_at = statement_timestamp(), invalid = $5,
    created = totals.created, updated = totals.updated,
    unchanged = totals.unchanged, deleted = totals.deleted,
    outcomes = totals.outcomes, data = {data}
FROM totals
WHERE b.account = $2 AND b.id = $1
  AND totals.items_count = b.received - cardinality($5::integer[])"""

    # -- small helpers ------------------------------------------------------------------------

    def _unique_columns(self) -> list[tuple[int, StoredField]]:
        """Every column of a unique attribute, once, with the number that names it."""
        columns: dict[str, StoredField] = {}
        for group in self.unique:
            for field in group:
                columns.setdefault(field.column, field)
        return list(enumerate(columns.values()))

    def _identity_is_unique(self) -> bool:
        return self.by_key or (self.identity,) in self.resource.unique

    def _position(self, field: StoredField) -> int:
        return self.resource.fields.index(field)


def _declared(field: StoredField) -> str:
    return f'{field.type.value} COLLATE "C"' if field.type.value == "text" else field.type.value


def _conflict(code: int, attribute: int, where: str, of: str = "known") -> str:
    return f'SELECT "$i", {code}, {attribute}, NULL::integer, false FROM {of} WHERE {where}'


def _repeated(
    source: str, columns: list[str], attribute: int, only: list[str] | None = None
) -> str:
    """Items that repeat the values of an earlier one; NULLs repeat nothing.

    What the items themselves say comes before what is inferred with the help of stored values.
    """
    present = " AND ".join([*(f"{column} IS NOT NULL" for column in columns), *(only or [])])
    inferred = str(source != "items").lower()
    return f"""SELECT i, {DUPLICATE_IN_BATCH.code}, {attribute}, first, {inferred}
FROM (
    SELECT "$i" AS i, min("$i") OVER (PARTITION BY {", ".join(columns)}) AS first
    FROM {source}
    WHERE {present}
) repeated
WHERE first < i"""


def _join(parts: list[str]) -> str:
    return ", ".join(parts)
