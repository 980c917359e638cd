"""What the statements of one kind of batch share: its items, and the stored rows they mean.

Parameters of every statement: $1 the ids of the batches, in the order in which they came, and
$2 their account. An item's `$n` is unique in the statement and ascends in that order; of a batch
alone it is the item's index.
"""

from collections.abc import Sequence

from ingest.model import Action, Options, Resolution
from ingest.resources.columns import ColumnType
from ingest.resources.layout import Layout, StoredField
from ingest.store.tables import GROUP, kept_columns, quote, table_name

_INDEX_BITS = 32
INDEX_MASK = 2**_INDEX_BITS - 1


class Parts:
    """Common table expressions of one resource, action and set of options."""

    batches = "unnest($1::uuid[]) WITH ORDINALITY AS g(batch, position)"
    """FROM: the batches of the statement."""
    ids = "$1"
    """Their ids."""

    def __init__(self, resource: Layout, action: Action, options: Options) -> None:
        self.resource = resource
        self.action = action
        self.options = options
        self.table = table_name(resource)
        self.key = quote(resource.key.column)
        self.identity = self._identity()
        self.upsert = action is Action.CREATE and options.resolution is not Resolution.REFUSE
        merges = options.resolution.updates
        self.updates = action is Action.UPDATE or (self.upsert and merges)
        self.creates = action is Action.CREATE
        self.plain = self.creates and not self.upsert
        self.by_key = self.identity is resource.key
        self.unique = resource.unique if action is not Action.DELETE else ()
        self.gives_up = self.updates and bool(self.unique)
        self.may_meet_others = bool(options.groups) and (not self.creates or self.upsert)
        """Whether the sender is confined to groups, and an item may mean a stored one."""

    def _identity(self) -> StoredField:
        """The field that finds an item's stored row."""
        if self.options.matching is None:
            return self.resource.key
        return next(f for f in self.resource.fields if f.name == self.options.matching)

    def _staged(self) -> str:
        """FROM: the staged records `r` of the payloads `p` of the batches `g`.

        The batches are named twice, so that there is no plan that reads those of others.
        """
        # Each column costs its look-up in every record, so unused ones are left out.
        columns = [f"{quote(field.column)} {_declared(field)}" for field in self.resource.fields]
        extra = ['"$i" integer', '"$v" bigint', '"$g" text']
        if not (self.plain and self.by_key):
            extra += ['"$set" bit varying', '"$key" boolean']
        extra += [f"{quote(name)} jsonb" for name in kept_columns(self.resource)]
        return f"""{self.batches}
    JOIN ingest.payloads p ON p.batch = g.batch AND p.batch = ANY ({self.ids}) AND p.account = $2
    CROSS JOIN LATERAL json_to_recordset(convert_from(p.records, 'UTF8')::json)
        AS r({", ".join([*extra, *columns])})"""

    def _sources(self, which: str = "") -> list[str]:
        """The items, the groups of their sender where they count, and the rows that items mean.

        Args:
            which: a condition for the items `r`; empty for all.
        """
        own = [self._own_groups()] if self.may_meet_others else []
        return [self._items(which), *own, self._resolved()]

    def _own_groups(self) -> str:
        """The groups that each batch's sender is confined to: the same, in one statement."""
        return """own(batch, name) AS MATERIALIZED (
    SELECT b.id, json_array_elements_text(b.options -> 'groups')
    FROM ingest.batches b
    WHERE b.account = $2 AND b.id = ANY ($1::uuid[])
)"""

    def _items(self, which: str = "") -> str:
        return f"""items AS MATERIALIZED (
    {self._sent(which)}
)"""

    def _sent(self, which: str = "") -> str:
        only = f"\n    WHERE {which}" if which else ""
        return f"""SELECT p.account AS "$account", p.batch AS "$batch",
        ((g.position - 1) << {_INDEX_BITS}) + r."$i" AS "$n", r.*
    FROM {self._staged()}{only}"""

    def _resolved(self) -> str:
        """Each item with the stored row that it means, if any."""
        old = "".join(f', t.{quote(f.column)} AS "$old{n}"' for n, f in self._unique_columns())
        match = quote(self.identity.column)
        if self._identity_is_unique():
            stored = self._found("t", "i", [(self.identity, f"i.{match}")])
            several = "false"
        else:
            # No sender learns what values the items of other groups have.
            seen = ""
            if self.may_meet_others:
                seen = f""" WHERE "{GROUP}" IN (SELECT name FROM own)"""
            # The account is read once, however many items there are; OFFSET keeps it so.
            stored = f"""(
        SELECT t.*, row_number() OVER same AS "$number", lead(t.{self.key}) OVER same AS "$next"
        FROM (SELECT *{self.whole} FROM {self.table} t{seen} OFFSET 0) t
        WHERE (t."$account", t.{match}) IN (SELECT "$account", {match} FROM items)
        WINDOW same AS (PARTITION BY t.{match} ORDER BY t.{self.key})
    ) t ON t."$number" = 1 AND t.{match} = i.{match}"""
            several = 't."$next" IS NOT NULL'
        return f"""resolved AS MATERIALIZED (
    SELECT i.*, t.{self.key} AS "$target", t."$version" AS "$stored",
        t."{GROUP}" AS "$in", {several} AS "$ambiguous"{old}{self._before()}
    FROM items i
    LEFT JOIN {stored}
)"""

    @property
    def whole(self) -> str:
        """SELECT: the row `t` itself, beside its columns, where rows are looked up."""
        return ""

    def _before(self) -> str:
        """What else is read of the stored row `t`."""
        return ""

    def _found(self, row: str, item: str, equal: Sequence[tuple[StoredField, str]]) -> str:
        """What to JOIN an item with: the stored row, one at most, that has these values.

        LIMIT keeps it a look-up: joined plainly, the planner may read all rows of the account
        instead, where it has no statistics yet or believes the account small. numeric's operators
        are not leakproof, so under row-level security no index on it can be used: there the
        account is read once (OFFSET keeps it so), and not once for each item.
        """
        same = " AND ".join(f"{row}.{quote(field.column)} = {value}" for field, value in equal)
        same = f'{row}."$account" = {item}."$account" AND {same}'
        whole = self.whole if row == "t" else ""
        if any(field.type is ColumnType.NUMERIC for field, _ in equal):
            return f"(SELECT *{whole} FROM {self.table} {row} OFFSET 0) {row} ON {same}"
        return (
            f"LATERAL (SELECT *{whole} FROM {self.table} {row} WHERE {same} LIMIT 1) {row} ON true"
        )

    def _known(self) -> str:
        """The items that mean one stored row or none, and not one of several."""
        return """known AS (
    SELECT * FROM resolved WHERE NOT "$ambiguous"
)"""

    def _wanted(self) -> str:
        """Each item with the unique values that it would leave; NULL where it writes none.

        The first item that means a row decides what it becomes; later ones are repeats.
        """
        new = "".join(f', {self._new_value(n, f)} AS "$new{n}"' for n, f in self._unique_columns())
        return f"""wanted AS MATERIALIZED (
    SELECT r.*, r."$n" = min(r."$n") OVER (PARTITION BY r."$target") AS "$decides"{new}
    FROM known r
)"""

    def _new_value(self, number: int, field: StoredField) -> str:
        sent, carried = f"r.{quote(field.column)}", self._carries("r", field)
        if field not in self.resource.fields:
            sent = f"NULL::{field.type.value}"
        changed = f'CASE WHEN {carried} THEN {sent} ELSE r."$old{number}" END'
        if self.action is Action.UPDATE:
            return f'CASE WHEN r."$target" IS NOT NULL THEN {changed} END'
        if self.options.resolution.updates:
            return f'CASE WHEN r."$target" IS NULL THEN {sent} ELSE {changed} END'
        if self.options.resolution is Resolution.IGNORE:
            return f'CASE WHEN r."$target" IS NULL THEN {sent} END'
        return sent

    def _unique_columns(self) -> list[tuple[int, StoredField]]:
        """Every column of a unique attribute, once, with the number that names it."""
        columns: dict[str, StoredField] = {}
        for fields in self.unique:
            for field in fields:
                columns.setdefault(field.column, field)
        return list(enumerate(columns.values()))

    def _carries(self, row: str, field: StoredField) -> str:
        """Whether an item of a sparse write carries a field."""
        if field not in self.resource.fields:  # of another schema: nothing that these items have
            return "false"
        return f'get_bit({row}."$set", {self.resource.fields.index(field)}) = 1'

    def _identity_is_unique(self) -> bool:
        return self.by_key or (self.identity,) in self.resource.unique

    def _key_is_numeric(self) -> bool:
        return self.resource.key.type is ColumnType.NUMERIC


def _declared(field: StoredField) -> str:
    return f'{field.type.value} COLLATE "C"' if field.type is ColumnType.TEXT else field.type.value
