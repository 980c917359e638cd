"""SQL that applies batches in which no conflict was looked for, where none can go unnoticed.

The indexes refuse a value that is taken. What they would let pass is odd: an item that is not
there, is at another version, means the same row as another one, or changes a unique value in favour
of another batch. Where an item is odd, nothing is applied, and the conflicts have to be looked for.
"""

from ingest.model import Action
from ingest.resources.layout import StoredField
from ingest.store.statements.apply import Apply
from ingest.store.tables import quote


class Unchecked(Apply):
    """Writes `unchecked` of one kind of batch; has the parameters of `apply`."""

    @property
    def notices_all(self) -> bool:
        """Whether no conflict can go unnoticed."""
        writes_all = self.plain or self.updates or self.action is Action.DELETE
        return self.by_key and writes_all and not self.may_meet_others

    def _good(self) -> list[str]:
        if self.plain:
            return super()._good()
        odd = " OR ".join(f"({each})" for each in self._odd())
        usual = f"""usual AS MATERIALIZED (
    SELECT cardinality($4::integer[]) = 0 AND count("$target") = count(DISTINCT "$target")
        AND NOT coalesce(bool_or({odd}), false) AS all
    FROM resolved r
)"""
        good = """good AS MATERIALIZED (
    SELECT r.* FROM resolved r WHERE (SELECT usual.all FROM usual)
)"""
        return [*self._sources(), usual, good]

    def _odd(self) -> list[str]:
        odd = ['r."$v" IS NOT NULL AND r."$stored" IS DISTINCT FROM r."$v"']
        if not self.creates:
            odd.append('r."$target" IS NULL')
        elif self.resource.database_key:
            odd.append('r."$key" AND r."$target" IS NULL')
        unique = self._unique_columns() if self.updates else []
        return [*odd, *(self._moves(number, field) for number, field in unique)]

    def _moves(self, number: int, field: StoredField) -> str:
        """The item takes another unique value than it had, or says one that it does not write.

        A value that another batch gives up is not free until that is committed.
        """
        sent, carried = f"r.{quote(field.column)}", self._carries("r", field)
        if field not in self.resource.fields:
            return "false"
        return f"""r."$target" IS NOT NULL AND CASE WHEN {carried}
            THEN cardinality($1) > 1 AND {sent} IS DISTINCT FROM r."$old{number}"
            ELSE {sent} IS NOT NULL END"""
