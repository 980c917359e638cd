"""What a batch comes to, as one would explain it to a person: the rules of a write, without SQL.

A batch is answered in this order, and each step sees only what the steps before it left:

1.  *Validate* every item for itself. What follows is said of the valid ones, also in a strict batch
    that will be refused.
2.  *Repeats*: of two items that carry the same key, `matching` value or unique attribute, the
    later one fails. Stored data is not looked at, and in a strict batch it does not matter what
    becomes of the first.
3.  *Resolve* each item to the stored row that it means. More than one: ambiguous, and nothing
    else is said of that item, for it is unknown which row it would change.
4.  *Judge* each item against stored data: missing, taken, moved key, version moved on.
    A unique value is taken by another row, unless the item that means this row gives it up.
5.  A strict batch with a failed item ends here. In a lenient one the items fail that failed for
    another reason than that they repeat one, and those that need a value that a failed item would
    have given up, and so on; the others are looked at again from step 2 on, without them. Once
    there are only repeats, the first of those that would be the same stays, and the later ones
    fail.
6.  *Apply* what is left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.property.specification import Collection, Invalid, Loaded, Made, Request, Value, load

Errors = set[tuple[int, str | None]]
"""The errors of one item: (code, field)."""


@dataclass(frozen=True)
class Row:
    """A stored item and its version."""

    values: Mapping[str, Value]
    version: int = 1


Rows = Mapping[Any, Row]


@dataclass(frozen=True)
class Expected:
    """What the service should answer, and hold afterwards."""

    status: int
    errors: Mapping[int, Errors]
    rows: Rows
    """Everything stored afterwards, by key."""
    firsts: Mapping[tuple[int, str], int] = field(default_factory=dict)
    """For a repeat, by item and field: the item that its description names."""
    rejected: bool = False
    """Whether validation alone refuses it; what stored data would refuse is of any one moment."""
    last: int = 0
    """The highest version of all that was deleted."""
    outcomes: Sequence[str] | None = None
    """One for each valid item; None where nothing was saved."""
    data: Sequence[Row] | None = None
    """The saved items, each as it was after the batch (a deleted one: before it)."""


def answer(collection: Collection, rows: Rows, request: Request, last: int = 0) -> Expected:
    """What `request` comes to where `rows` are stored.

    Args:
        last: the highest version of all that was deleted.
    """
    return _Batch(collection, rows, request, last).answer()


@dataclass
class _Item:
    """One valid item on its way through the steps."""

    index: int
    loaded: Loaded
    identity: str
    errors: Errors = field(default_factory=set)
    repeats: dict[str, int] = field(default_factory=dict)
    target: Any = None
    """Key of the row that it means."""
    ambiguous: bool = False

    def all_errors(self) -> Errors:
        """An attribute that repeats an earlier item's is not judged any further."""
        repeats = {*self.repeats, *({"meta.version"} if self.identity in self.repeats else ())}
        judged = {error for error in self.errors if error[1] not in repeats}
        return judged | {(40904, name) for name in self.repeats}


class _Batch:
    def __init__(self, collection: Collection, rows: Rows, request: Request, last: int) -> None:
        self.last = last
        self.collection = collection
        self.rows = rows
        self.request = request
        self.identity = request.matching or collection.key
        self.items: list[_Item] = []
        self.invalid: dict[int, Errors] = {}
        self.unique = () if request.action == "delete" else collection.unique

    def answer(self) -> Expected:
        self._validate()
        if self.invalid and not self.items:
            return replace(self._refused(), rejected=True)
        if self.request.lenient:
            self._fail_leniently()
            if self.items and all(item.all_errors() for item in self.items):
                return self._refused()
            return self._apply()
        self._look()
        if self.invalid or any(item.all_errors() for item in self.items):
            return replace(self._refused(), rejected=bool(self.invalid))
        return self._apply()

    def _look(self) -> None:
        """Steps 2 to 4."""
        self._find_repeats()
        for item in self.items:
            self._resolve(item)
        self._find_collisions()
        for item in self.items:
            self._judge(item)

    def _fail_leniently(self) -> None:
        every, failed = self.items, list[_Item]()
        while True:
            self.items = [item for item in every if item not in failed]
            for item in self.items:
                item.errors, item.repeats = set(), {}
            self._look()
            new = [item for item in self.items if item.errors]
            certain = {item.index for item in new}
            for item in new:
                repeats = item.repeats.items()
                item.repeats = {name: first for name, first in repeats if first not in certain}
            new = new or self._repeating()
            if not new:
                break
            failed += new
            self.items = every
            failed += self._stranded(failed)
        self.items = every

    def _repeating(self) -> list[_Item]:
        """The items that repeat one that stays: the first of those that repeats no other."""
        holders: dict[tuple[str, int], int | None] = {}
        failed: dict[int, _Item] = {}
        for item in self.items:
            found = {}
            for name, first in item.repeats.items():
                holder = holders.setdefault((name, first), None if first in failed else first)
                if holder is not None:
                    found[name] = holder
            if found:
                failed[item.index] = item
            else:
                holders |= dict.fromkeys(item.repeats.items(), item.index)
            item.repeats = found
        return list(failed.values())

    # 1. validate

    def _validate(self) -> None:
        for index, raw in enumerate(self.request.items):
            try:
                loaded = load(self.collection, self.request, raw, index)
                self.items.append(_Item(index, loaded, self.identity))
            except Invalid as invalid:
                self.invalid[index] = invalid.errors

    # 2. repeats

    def _find_repeats(self) -> None:
        attributes = [(self.identity,)]
        if self.request.action != "delete":
            attributes += [(self.collection.key,), *self.unique]
        for names in attributes:
            seen: dict[tuple[Value, ...], int] = {}
            for item in self.items:
                values = tuple(self._carried(item, name) for name in names)
                if None in values:
                    continue  # nothing, or a null: collides with nothing
                first = seen.setdefault(values, item.index)
                if first != item.index:
                    item.repeats.setdefault(",".join(names), first)

    def _carried(self, item: _Item, name: str) -> Value:
        return item.loaded.values.get(name)

    # 3. resolve

    def _resolve(self, item: _Item) -> None:
        value = item.loaded.values[self.identity]
        means = [key for key, row in self.rows.items() if row.values[self.identity] == value]
        item.ambiguous = len(means) > 1
        if len(means) == 1:
            item.target = means[0]

    # 4. judge

    def _wanted(self, item: _Item, names: Sequence[str]) -> tuple[Value, ...] | None:
        """The values that an item would leave in a row; None where it leaves none, or a null."""
        if item.ambiguous:
            return None
        if item.target is None:
            values = None if self.request.action == "update" else item.loaded.values
        elif self.request.resolution == "ignore":
            values = None
        elif self._merges:
            values = {**self.rows[item.target].values, **self._changes(item)}
        else:
            values = item.loaded.values
        if values is None or any(values[name] is None for name in names):
            return None
        return tuple(values[name] for name in names)

    def _changes(self, item: _Item) -> Mapping[str, Value]:
        """What a stored item gets of an item: all of it where it is replaced."""
        if self.request.resolution == "replace":
            return item.loaded.values
        return item.loaded.carried

    @property
    def _merges(self) -> bool:
        return self.request.action == "update" or self.request.resolution in ("merge", "replace")

    def _find_collisions(self) -> None:
        """Two sparse items may leave the same values in two rows, though neither carries all."""
        for names in self.unique if self._merges else ():
            seen: dict[tuple[Value, ...], int] = {}
            for item in self.items:
                wanted = self._wanted(item, names)
                touches = item.target is None or not self._changes(item).keys().isdisjoint(names)
                if wanted is None or not touches:
                    continue
                first = seen.setdefault(wanted, item.index)
                if first != item.index:
                    item.repeats.setdefault(",".join(names), first)

    def _judge(self, item: _Item) -> None:
        if item.ambiguous:
            item.errors.add((43501, self.identity))
            return
        self._judge_target(item)
        self._judge_key(item)
        for names in self.unique:
            if self._taken(item, names):
                item.errors.add((40903, ",".join(names)))

    def _judge_target(self, item: _Item) -> None:
        stored = self.rows.get(item.target) if item.target is not None else None
        version = item.loaded.version
        if version is not None and (stored is None or stored.version != version):
            item.errors.add((41201, "meta.version"))
        elif stored is None and self.request.action != "create":
            item.errors.add((40403, self.identity))
        if stored is not None and self.request.action == "create" and not self.request.resolution:
            item.errors.add((40903, self.identity))

    def _judge_key(self, item: _Item) -> None:
        """With `matching`, a stored key stays what it is, and a new item's must be free."""
        key = item.loaded.values.get(self.collection.key)
        if self.identity == self.collection.key or self.request.action == "delete" or key is None:
            return
        if item.target is None:
            if self.request.action == "create" and key in self.rows:
                item.errors.add((40903, self.collection.key))
        elif item.target != key and not isinstance(key, Made):
            item.errors.add((42210, self.collection.key))

    def _holder(self, item: _Item, names: Sequence[str]) -> Any:
        """The key of another row that holds what an item wants."""
        wanted = self._wanted(item, names)
        for key, row in self.rows.items():
            if wanted == tuple(row.values[name] for name in names) and key != item.target:
                return key
        return None

    def _giver(self, holder: Any, names: Sequence[str]) -> _Item | None:
        """The item that would take these values away from a row: only the first that means it."""
        means = next((item for item in self.items if item.target == holder), None)
        if means is None or not self._merges:
            return None
        held = tuple(self.rows[holder].values[name] for name in names)
        return means if self._wanted(means, names) != held else None

    def _taken(self, item: _Item, names: Sequence[str]) -> bool:
        holder = self._holder(item, names)
        return holder is not None and self._giver(holder, names) is None

    # 5. strand

    def _stranded(self, failed: Sequence[_Item]) -> list[_Item]:
        """The items that need what a failed item would have given up, and who needs theirs."""
        found: list[_Item] = []
        before = -1
        while before != (before := len(found)):
            for item in self.items:
                if item in failed or item in found:
                    continue
                wanting = [
                    names for names in self.unique if self._needs(item, names, [*failed, *found])
                ]
                if wanting:
                    item.errors, item.repeats = {(40903, ",".join(names)) for names in wanting}, {}
                    found.append(item)
        return found

    def _needs(self, item: _Item, names: Sequence[str], failed: Sequence[_Item]) -> bool:
        holder = self._holder(item, names)
        giver = None if holder is None else self._giver(holder, names)
        return giver is not None and giver in failed

    # 6. apply

    def _apply(self) -> Expected:
        rows = dict(self.rows)
        self.born = self.last + 1
        outcomes: list[str] = []
        data: list[Row] = []
        for item in self.items:
            if not item.all_errors():
                outcome, row = self._outcome(item)
                outcomes.append(outcome)
                data.append(row)
                key = row.values[self.collection.key]
                if outcome == "deleted":
                    self.last = max(self.last, rows[key].version)
                    del rows[key]
                else:
                    rows[key] = row
        failed = self._errors()
        created = self.request.action == "create"
        return self._expected(207 if failed else 201 if created else 200, rows, outcomes, data)

    def _outcome(self, item: _Item) -> tuple[str, Row]:
        if item.target is None:
            return "created", Row(item.loaded.values, self.born)
        stored = self.rows[item.target]
        if self.request.action == "delete":
            return "deleted", stored
        values = {**stored.values, **self._changes(item), self.collection.key: item.target}
        if not self._merges or values == stored.values:
            return "unchanged", stored
        return "updated", Row(values, stored.version + 1)

    def _errors(self) -> dict[int, Errors]:
        judged = {item.index: item.all_errors() for item in self.items if item.all_errors()}
        return {**self.invalid, **judged}

    def _refused(self) -> Expected:
        return self._expected(422, self.rows, None, None)

    def _expected(
        self, status: int, rows: Rows, outcomes: list[str] | None, data: list[Row] | None
    ) -> Expected:
        firsts = {
            (item.index, name): first for item in self.items for name, first in item.repeats.items()
        }
        expected = Expected(
            status, self._errors(), rows, firsts, outcomes=outcomes, data=data, last=self.last
        )
        if not self.request.dry_run:
            return expected
        return replace(expected, status=422 if expected.errors else 200, rows=self.rows, data=None)
