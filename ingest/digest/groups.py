"""The failures of a batch by code, place and rule: counted in one pass, in bounded memory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from ingest.digest.marks import ABSENT
from ingest.digest.places import Place, Places, Steps, value_at
from ingest.digest.proof import Key
from ingest.digest.shown import shortened, shown
from ingest.digest.trials import Trials
from ingest.errors import ErrorCode
from ingest.model import ItemError

INDICES, EXAMPLES = 20, 5
"""How many of each a group shows."""
MAX_GROUPS = 2_000
"""Groups that are counted; of what comes to further ones, only the sum is."""
_MAX_RULES = 20
"""Messages of one code at one place; further ones make all of them one group: they quote values."""
_KNOWN, _SHORT = 1_000, 1_000
"""Lists of errors for which it is kept what they count for, and the most characters of each."""


@dataclass(slots=True)
class Group:
    """The failures of one code, at one place, by one rule."""

    code: ErrorCode
    place: Place
    rule: str
    count: int = 0
    indices: list[int] = field(default_factory=list)
    examples: list[Any] = field(default_factory=list)
    trials: Trials | None = None

    @property
    def key(self) -> Key:
        return self.code.code, self.place.like, self.rule

    def add(self, index: int, item: Any, steps: Steps) -> None:
        """Count an item, whose first such error is at a place."""
        self.count += 1
        if len(self.indices) < INDICES:
            self.indices.append(index)
        if len(self.examples) < EXAMPLES:
            value = value_at(item, steps) if steps or type(item) is not dict else ABSENT
            if value is not ABSENT and (example := shown(value)) not in self.examples:
                self.examples.append(example)

    def absorb(self, other: "Group") -> None:
        """Make another group a part of this one."""
        self.count += other.count
        self.indices = sorted({*self.indices, *other.indices})[:INDICES]
        for each in other.examples:
            if len(self.examples) < EXAMPLES and each not in self.examples:
                self.examples.append(each)


Counted = tuple[Group | None, list[Steps]]
"""A group, and the places of one item in it; None where there are too many groups."""


class Groups:
    """All groups of a batch."""

    def __init__(self, places: Places, begin: Callable[[Group, Any], None]) -> None:
        """Args: `begin` is called with each new group, and its first item."""
        self._places = places
        self._begin = begin
        self._groups: dict[tuple[int, str | None], dict[str, Group]] = {}
        self._merged: dict[tuple[int, str | None], Group] = {}
        self._known: dict[int, tuple[Sequence[ItemError], Sequence[Counted]]] = {}
        self.total = 0
        """Errors of all items."""
        self.uncounted = 0
        """Those of them that are in no group."""
        self._made = 0

    def __iter__(self) -> Iterator[Group]:
        for place, rules in self._groups.items():
            if place not in self._merged:
                yield from rules.values()
        yield from self._merged.values()

    def add(self, index: int, item: Any, errors: Sequence[ItemError]) -> Sequence[Counted]:
        """Count the errors of one item; the groups that it is in, each with its places."""
        self.total += len(errors)
        found = self.counted(item, errors)
        for group, places in found:
            if group is None:
                self.uncounted += len(places)
            else:
                group.add(index, item, places[0])
        return found

    def counted(self, item: Any, errors: Sequence[ItemError]) -> Sequence[Counted]:
        """What errors count for. The same list of errors may be that of many items."""
        known = self._known.get(id(errors))
        if known is not None and known[0] is errors:
            return known[1]
        for error in errors:
            self._group(error, item)
        found: dict[int, Counted] = {}
        for error in errors:  # all groups are made, so none becomes a part of another
            group = self._group(error, item)
            steps = self._places.find(error.field).steps
            found.setdefault(id(group), (group, []))[1].append(steps)
        counted = [*found.values()]
        if sum(len(error.message) for error in errors) <= _SHORT:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[id(errors)] = (errors, counted)
        return counted

    def _group(self, error: ItemError, item: Any) -> Group | None:
        place = self._places.find(error.field)
        like = (error.code.code, place.like)
        if like in self._merged:
            return self._merged[like]
        rules = self._groups.get(like, {})
        rule = shortened(error.message)
        if rule in rules:
            return rules[rule]
        if self._made >= MAX_GROUPS:
            return None
        if len(rules) >= _MAX_RULES:
            return self._merge(like, rules, rule)
        self._made += 1
        group = rules[rule] = Group(error.code, place, rule)
        self._groups[like] = rules
        self._begin(group, item)
        return group

    def _merge(self, like: tuple[int, str | None], rules: dict[str, Group], rule: str) -> Group:
        """One group in place of many whose rules differ by a value that they quote."""
        first, *others = rules.values()
        texts = [*rules, rule]
        start = _begin_alike(texts)
        end = _begin_alike([text[len(start) :][::-1] for text in texts])[::-1]
        merged = Group(first.code, first.place, f"{start}\N{HORIZONTAL ELLIPSIS}{end}")
        self._merged[like] = merged
        self._known.clear()
        for each in (first, *others):
            merged.absorb(each)
        return merged


def _begin_alike(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    alike = takewhile(lambda each: len(set(each)) == 1, zip(*texts, strict=False))
    return "".join(each[0] for each in alike)
