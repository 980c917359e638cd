"""SQL that writes the good items of batches, and the outcome of each batch beside them.

Parameters besides those of `parts`: $3 the collection, $4 the indices of the items that
are not to be written, and $5 those that failed in all, or NULL where they are as accepted. The
last two are for a batch alone. Each batch that is finished is a row of the result, as `Finished`.
"""

from marshmallow import missing

from ingest.model import MAX_KEPT, Action, Resolution
from ingest.resources.layout import StoredField
from ingest.store.batches import QUERIES
from ingest.store.statements.images import Images
from ingest.store.statements.item_json import item_object
from ingest.store.tables import kept_columns, literal, quote, sequence_name


class Apply(Images):
    """Writes `apply` of one kind of batch."""

    first: tuple[str, ...] = ()
    """Common table expressions before all others."""
    complete = "totals.items_count = b.received - cardinality(coalesce($5::integer[], b.invalid))"
    """Whether every item of a batch was written that is to be."""

    @property
    def numbers(self) -> bool:
        """Whether the database gives new items their keys."""
        return self.creates and self.resource.database_key

    def apply(self) -> str:
        if self.plain and not self.options.representation and not self.numbers:
            parts = [self._insert_staged(), self._totals_of_inserted()]
        else:
            parts = [*self._good(), *self._written()]
        return f"WITH {', '.join([*self.first, *parts, self._counted()])}\n{self._finish()}"

    # -- creating, where the answer does not show what was created ----------------------------

    def _insert_staged(self) -> str:
        """From the staged bytes into the table, in one step."""
        return f"""created AS (
    {self._into()}
    SELECT $2, p.batch, {BORN}, statement_timestamp(), statement_timestamp(),
        {self._values("r")}
    FROM {self._staged()}
    WHERE r."$v" IS NULL AND r."$i" <> ALL ($4::integer[]){self._as_indexed()}
    RETURNING "$batch" AS batch
)"""

    def _as_indexed(self) -> str:
        """Write neighbours in an index one after the other, because they share its pages.

        Keys that the service makes ascend anyway.
        """
        own_key = () if self.resource.server_key else (self.resource.key,)
        indexed = [each for each in self.unique if set(each) <= set(self.resource.fields)]
        fields = indexed[0] if indexed else own_key
        columns = ", ".join(f"r.{quote(field.column)}" for field in fields)
        return f"\n    ORDER BY {columns}" if columns else ""

    def _totals_of_inserted(self) -> str:
        return f"""totals AS (
    SELECT g.batch, count(c.batch) AS items_count, count(c.batch)::integer AS created,
           0 AS updated, 0 AS unchanged, 0 AS deleted,
           repeat('c', count(c.batch)::integer) AS outcomes
    FROM {self.batches} LEFT JOIN created c ON c.batch = g.batch
    GROUP BY g.batch
)"""

    # -- everything else ----------------------------------------------------------------------

    def _good(self) -> list[str]:
        """The items without a failure."""
        source = "items" if self.plain else "resolved"
        # An item that is not there yet cannot be at a version.
        new = '\n      AND r."$v" IS NULL' if self.plain else ""
        good = f"""good AS MATERIALIZED (
    SELECT r.*
    FROM {source} r
    WHERE NOT EXISTS (SELECT FROM unnest($4::integer[]) bad(i) WHERE bad.i = r."$i"){new}
)"""
        return [self._items(), good] if self.plain else [*self._sources(), good]

    def _items(self, which: str = "") -> str:
        """The items, with a number for each new one where the database makes the keys."""
        if not self.numbers:
            return super()._items(which)
        number = f"nextval({literal(sequence_name(self.resource))}::regclass)"
        return f"""sent AS (
    SELECT * FROM ({self._sent(which)}) s ORDER BY s."$n"
),
items AS MATERIALIZED (
    SELECT s.*, coalesce(s.{self.key}, {number}) AS {_NUMBER} FROM sent s
)"""

    def _written(self) -> list[str]:
        parts, results = [], []
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
        parts += self._images(updated=self.updates, deleted=self.action is Action.DELETE)
        results_of_all = "\nUNION ALL\n".join(results)
        parts.append(f"results(batch, n, letter, item) AS (\n{results_of_all}\n)")
        return [*parts, self._totals()]

    def _into(self) -> str:
        return f"""INSERT INTO {self.table} AS t
        ("$account", "$batch", "$version", "$created_at", "$updated_at", "$group",
         {", ".join(self._columns())})"""

    def _values(self, row: str) -> str:
        columns = ['"$g"', *self._columns()]
        if self.numbers:
            columns = [_NUMBER if column == self.key else column for column in columns]
        return ", ".join(f"{row}.{column}" for column in columns)

    def _columns(self) -> list[str]:
        kept = [quote(name) for name in kept_columns(self.resource)]
        return [*(quote(field.column) for field in self.resource.fields), *kept]

    def _insert(self) -> str:
        only = '\n    WHERE g."$target" IS NULL' if self.upsert else ""
        return f"""created AS (
    {self._into()}
    SELECT $2, g."$batch", {BORN}, statement_timestamp(), statement_timestamp(),
        {self._values("g")}
    FROM good g{only}
    ORDER BY g."$n"
)"""

    def _created(self) -> str:
        """From the items rather than from the rows that were made of them.

        The planner takes both to be one row, and would join each item with all rows.
        """
        only = ' WHERE g."$target" IS NULL' if self.upsert else ""
        key = f"t.{_NUMBER}" if self.numbers else None
        return f"""SELECT t."$batch", t."$n", 'c', {self._item("t", key)}
FROM (SELECT g.*, {_NEW} FROM good g{only}) t"""

    def _update(self) -> str:
        changes = [(quote(f.column), self._changed(f)) for f in self._changeable()]
        if self.resource.keeps_unknown:
            merged = """coalesce(t."$extra" || g."$extra", g."$extra", t."$extra")"""
            if self.options.resolution is Resolution.REPLACE:
                merged = 'g."$extra"'
            changes.append(('"$extra"', merged))
        if self.resource.keeps_exact:
            changes.append(('"$exact"', self._merged_exact()))
        assignments = [f"{column} = {value}" for column, value in changes]
        old = ", ".join(f"t.{column}" for column, _ in changes)
        new = ", ".join(value for _, value in changes)
        differs = f"({old}) IS DISTINCT FROM ({new})" if changes else "false"
        if len(changes) == 1:
            differs = f"{old} IS DISTINCT FROM {new}"
        assignments += [
            '"$version" = t."$version" + 1',
            '"$updated_at" = statement_timestamp()',
            '"$batch" = g."$batch"',
        ]
        return f"""updated AS (
    UPDATE {self.table} t
    SET {", ".join(assignments)}
    FROM good g
    WHERE {self._means()}
      AND {differs}
    RETURNING g."$n"{self._kept_image()}, t.*
)"""

    def _changed(self, field: StoredField) -> str:
        column = quote(field.column)
        carried = self._carries("g", field)
        return f"CASE WHEN {carried} THEN g.{column} ELSE t.{column} END"

    def _merged_exact(self) -> str:
        """Of the fields that the item changes its own entries, of the others those that are."""

        def names(changed: bool) -> str:
            each = ", ".join(
                f"CASE WHEN {'' if changed else 'NOT '}({self._carried(field)}) "
                f"THEN {literal(entry)} END"
                for field in self._changeable()
                for entry in self.resource.stale_entries(field)
            )
            return f"array_remove(ARRAY[{each}]::text[], NULL)"

        stored, sent = (f"""coalesce({row}."$exact", '{{}}')""" for row in "tg")
        return f"nullif(({stored} - {names(True)}) || ({sent} - {names(False)}), '{{}}')"

    def _carried(self, field: StoredField) -> str:
        """Whether the item may change the entry of a field.

        What is shown as null can be sent back as null: where nothing is stored, nothing changes.
        """
        carried = self._carries("g", field)
        shown = field.field
        if not shown.allow_none or shown.dump_only or shown.dump_default is not missing:
            return carried
        column = quote(field.column)
        return f"{carried} AND NOT (g.{column} IS NULL AND t.{column} IS NULL)"

    def _changeable(self) -> list[StoredField]:
        return [field for field in self.resource.fields if field is not self.resource.key]

    def _delete(self) -> str:
        """A row carries the batch that wrote it, so the batch that deletes it is returned, too."""
        return f"""deleted AS (
    DELETE FROM {self.table} t
    USING good g
    WHERE {self._means()}
    RETURNING g."$batch" AS "$by", g."$n"{self._image()}, t.*
)"""

    def _result(self, letter: str, source: str) -> str:
        batch = "$by" if letter == "d" else "$batch"
        return f"""SELECT t."{batch}", t."$n", '{letter}', {self._item("t")} FROM {source} t"""

    def _unchanged(self) -> str:
        stored = self._found("t", "g", [(self.resource.key, 'g."$target"')])
        changed = '\nWHERE NOT EXISTS (SELECT FROM updated u WHERE u."$n" = g."$n")'
        return f"""SELECT g."$batch", g."$n", 'n', {self._item("t")}
FROM good g JOIN {stored}{changed if self.updates else ""}"""

    def _item(self, row: str, key: str | None = None) -> str:
        if not self.options.representation:
            return "NULL::json"
        return item_object(self.resource, row, self.options.select, key=key)

    def _means(self) -> str:
        """Row `t` is the one that item `g` means; as in `_found`, no index is of use to numeric."""
        account = "$2" if self._key_is_numeric() else 'g."$account"'
        return f't."$account" = {account} AND t.{self.key} = g."$target"'

    def _totals(self) -> str:
        items, results = "", "results"
        if self.options.representation:
            results = """(
        SELECT *, sum(octet_length(item::text)) OVER (PARTITION BY batch ORDER BY n) AS until
        FROM results
    )"""
            # No more is put together than is kept: PostgreSQL could not hold it.
            items = f""",
           json_agg(r.item ORDER BY r.n)
               FILTER (WHERE r.n IS NOT NULL AND r.until <= {MAX_KEPT}) AS items,
           coalesce(max(r.until), 0) <= {MAX_KEPT} AS kept"""
        return f"""totals AS (
    SELECT g.batch, count(r.n) AS items_count,
           count(*) FILTER (WHERE letter = 'c')::integer AS created,
           count(*) FILTER (WHERE letter = 'u')::integer AS updated,
           count(*) FILTER (WHERE letter = 'n')::integer AS unchanged,
           count(*) FILTER (WHERE letter = 'd')::integer AS deleted,
           coalesce(string_agg(letter, '' ORDER BY r.n), '') AS outcomes{items}
    FROM {self.batches} LEFT JOIN {results} r ON r.batch = g.batch
    GROUP BY g.batch
)"""

    def _counted(self) -> str:
        """The counter of the collection, which is locked."""
        last = ""
        if self.action in (Action.DELETE, Action.REVERT):
            last = """,
        last_version = greatest(c.last_version, (SELECT max("$version") FROM deleted))"""
        return f"""counted AS (
    UPDATE ingest.counters c
    SET items = c.items + change.items{last}
    FROM (SELECT sum(created - deleted) AS items FROM totals) change
    WHERE c.account = $2 AND c.collection = $3 AND change.items <> 0
)"""

    def _finish(self) -> str:
        data = "NULL"
        if self.options.representation:
            data = "CASE WHEN totals.kept THEN coalesce(totals.items, '[]') END"
        more, only = self._finished()
        return f"""UPDATE ingest.batches b
SET state = 'committed', finished_at = statement_timestamp(), invalid = coalesce($5, b.invalid),
    created = totals.created, updated = totals.updated,
    unchanged = totals.unchanged, deleted = totals.deleted,
    outcomes = totals.outcomes, data = {data}{more}
FROM totals
WHERE b.account = $2 AND b.id = totals.batch AND b.id = ANY ({self.ids}){only}
RETURNING {QUERIES["finished"]}"""

    def _finished(self) -> tuple[str, str]:
        """What else is set of a batch that is finished, and which are: those that are complete."""
        return "", f"\n  AND {self.complete}"


_NUMBER = '"$number"'
# Above that of every item that was deleted, so that no version of a key ever returns.
BORN = """(SELECT coalesce(max(c.last_version), 0) + 1 FROM ingest.counters c
        WHERE c.account = $2 AND c.collection = $3)"""
_NEW = f"""{BORN} AS "$version", statement_timestamp() AS "$created_at",
    statement_timestamp() AS "$updated_at", g."$g" AS "$group\""""
