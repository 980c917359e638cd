"""The trials of a group of failures: each transform that was proposed, on every item of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import combinations
from typing import Any

from ingest.digest.cause import Item, Transform
from ingest.digest.marks import LEFT_OUT, LOST, UNLIKE, Mark
from ingest.digest.places import Steps
from ingest.digest.proof import Key, Proof, Verdict
from ingest.model import Failure

SHARE = 20
"""At most one of so many items may be left by a remedy."""
_KNOWN, _SHORT = 500, 100
"""How many texts it is kept of what they come to, and their most characters."""
_FIRST, _FIRST_LEFT = 8, 1
"""Of these first items, a transform of a whole batch may leave so many."""


class Came(Enum):
    """What a transform of a bad item comes to."""

    HEALED = "the error of the group is gone, and none is new"
    LOST = "it looks like the cause, and there is no remedy"
    UNLIKE = "it does not look like the cause"
    FAILED = "it does, and is not healed"


_OF_MARKS = {LEFT_OUT: Came.HEALED, LOST: Came.LOST, UNLIKE: Came.UNLIKE}


class Test:
    """One bad item, on which transforms are tried."""

    __slots__ = ("_before", "_errors", "_known", "_proof", "item")

    def __init__(self, proof: Proof, failure: Failure) -> None:
        self.item = failure.raw
        self._proof = proof
        self._errors = failure.errors
        self._before: frozenset[Key] | None = None
        self._known: dict[str, tuple[Any, Verdict | None]] | None = None

    def text_at(self, places: Sequence[Steps]) -> str | None:
        """The text that failed, where it is all that did, and short; else None."""
        if len(places) != 1 or len(places[0]) != 1 or type(self.item) is not dict:
            return None
        value = self.item.get(places[0][0])
        return value if type(value) is str and len(value) <= _SHORT else None

    def of_value(self, mended: Any, transform: Transform) -> Came | None:
        """What a text that was mended comes to, whatever else the item has; None where the item has
        to be looked at."""
        if mended in _OF_MARKS:
            return _OF_MARKS[mended]
        [name] = transform.changes or ("",)
        return Came.HEALED if self._proof.takes(name, mended) else None

    def of_item(
        self, transform: Transform, places: Sequence[Steps], trials: "Trials"
    ) -> tuple[Any, Came]:
        """What a transform makes of the item, and what that comes to."""
        mended, verdict = self._mended(transform, places)
        if verdict is None:
            return mended, _OF_MARKS[mended]
        healed = self._heals(verdict, transform, trials)
        return mended, Came.HEALED if healed else Came.FAILED

    def is_worse(self, mended: Item) -> bool:
        """Whether something is wrong with the item, several times mended, that was not before.

        Where fields depend on each other, two remedies may each heal it, and not both.
        """
        verdict = self._proof.look(self.item, mended)
        return verdict.left is not None and not verdict.left <= self._had()

    def _had(self) -> frozenset[Key]:
        """What was wrong with the item."""
        if self._before is None:
            self._before = frozenset(map(self._proof.key, self._errors))
        return self._before

    def _heals(self, verdict: Verdict, transform: Transform, trials: "Trials") -> bool:
        """Whether the error of a group is gone, and none is new.

        One of the whole batch leaves nothing that is wrong in any of the columns that it changes.
        """
        if verdict.left is None:
            return trials.of_field in verdict.clean
        if transform.whole and not verdict.is_clean:
            return False
        return trials.key not in verdict.left and verdict.left <= self._had()

    def _mended(self, transform: Transform, places: Sequence[Steps]) -> tuple[Any, Verdict | None]:
        """A mended copy and what is left of its errors, or a `Mark` and None."""
        if transform.changes is not None:
            return self._look(transform, places)
        if self._known is None:
            self._known = {}
        name = repr(transform.document)
        if name not in self._known:
            self._known[name] = self._look(transform, places)
        return self._known[name]

    def _look(self, transform: Transform, places: Sequence[Steps]) -> tuple[Any, Verdict | None]:
        wanted = list if transform.of_rows else dict
        mended = transform.mend(self.item, places) if type(self.item) is wanted else UNLIKE
        if isinstance(mended, Mark):
            return mended, None
        return mended, self._proof.look(self.item, mended, transform.changes)


@dataclass(slots=True)
class Tried:
    """One transform, and what came of it."""

    transform: Transform
    heals: int = 0
    lost: int = 0
    unlike: int = 0
    failed: int = 0
    """Items that it was made for and did not heal, which takes long to find out."""
    example: tuple[Any, Any] | None = None
    """The first item that it healed, before and after."""
    known: dict[str, tuple[Any, Came]] = field(default_factory=dict)
    """What some texts come to."""

    def is_given_up(self, limit: int) -> bool:
        """Whether it can no longer heal enough of a group of at most `limit` items.

        One that heals others goes on: it may read what another transform reads in another way. One
        of the whole batch is given up sooner: dozens of them are tried.
        """
        missed = self.unlike + self.failed
        if self.failed * SHARE > limit or (missed * SHARE > limit and not self.heals):
            return True
        tries = self.heals + self.lost + missed
        return self.transform.whole and tries <= _FIRST and missed > _FIRST_LEFT


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the items of a group failed."""

    tried: Tried
    ambiguous: tuple[Tried, ...] = ()
    """Other transforms that heal as well, to other values: what is meant is not known."""
    remedied: bool = True
    """Whether the transform heals them."""


@dataclass(slots=True)
class Trials:
    """All that are tried on one group."""

    key: Key
    of_field: str | None
    """The field of the item in which the group's errors stand."""
    limit: int
    """The most items that the group can have."""
    waiting: list[tuple[int, Tried]]
    tried: list[Tried] = field(init=False)
    sets: Counter[int] = field(default_factory=Counter)
    """How many items each set of transforms heals, as bits."""
    differ: set[tuple[int, int]] = field(default_factory=set)
    """Pairs that heal one item, to different values."""

    def __post_init__(self) -> None:
        self.tried = [each for _, each in self.waiting]

    def take(self, places: Sequence[Steps], test: Test) -> None:
        """Try all that still may explain the group on one item of it."""
        value = test.text_at(places)
        healed: list[tuple[int, Any]] = []
        bits, given_up = 0, False
        for number, tried in self.waiting:
            known = tried.known.get(value) if value is not None else None
            mended, came_to = known or self._try(tried, places, value, test)
            if came_to is Came.HEALED:
                healed.append((number, mended))
                bits |= 1 << number
                tried.heals += 1
            elif came_to is Came.LOST:
                tried.lost += 1
            else:
                if came_to is Came.FAILED:
                    tried.failed += 1
                else:
                    tried.unlike += 1
                given_up = given_up or tried.is_given_up(self.limit)
        self.sets[bits] += 1
        if len(healed) > 1:
            self._compare(healed)
        if given_up:
            self.waiting = [each for each in self.waiting if not each[1].is_given_up(self.limit)]

    def _try(
        self, tried: Tried, places: Sequence[Steps], value: str | None, test: Test
    ) -> tuple[Any, "Came"]:
        """What a transform makes of an item, or of the text that failed, and what that comes to."""
        transform = tried.transform
        if value is not None and transform.mend_value is not None:
            mended = transform.mend_value(value)
            came_to = test.of_value(mended, transform)
            if came_to is not None:
                if came_to is Came.HEALED and tried.example is None:
                    tried.example = (test.item, transform.mend(test.item, places))
                if len(tried.known) < _KNOWN:
                    tried.known[value] = (mended, came_to)
                return mended, came_to
        mended, came_to = test.of_item(transform, places, self)
        if came_to is Came.HEALED and tried.example is None:
            tried.example = (test.item, mended)
        return mended, came_to

    def _compare(self, healed: Sequence[tuple[int, Any]]) -> None:
        for (one, first), (other, second) in combinations(healed, 2):
            pair = (one, other)
            is_known = pair in self.differ or first is LEFT_OUT or second is LEFT_OUT
            if not is_known and first != second:
                self.differ.add(pair)

    def cause(self, count: int, of: int, *, every_item_failed: bool) -> Cause | None:
        """What explains the group, if anything does.

        Args:
            count: the items of the group.
            of: those of the batch.
        """

        def explains(found: int, tried: Tried) -> bool:
            covered = not tried.transform.whole or (
                every_item_failed and (of - count) * SHARE <= of
            )
            return covered and found > 0 and (count - found) * SHARE <= count

        healing = [each for each in self.tried if explains(each.heals, each)]
        lost = next((each for each in self.tried if explains(each.lost, each)), None)
        best = max(healing, key=lambda each: each.heals, default=None)
        # Rounded numbers fit into another column, too: they do not stand in the wrong one for that.
        if best is not None and not (best.transform.whole and lost is not None):
            return Cause(best, tuple(self._rivals(best)))
        return None if lost is None else Cause(lost, remedied=False)

    def _rivals(self, best: Tried) -> list[Tried]:
        """What reads values in another way, where too few of them can be read in one way only."""
        number = self.tried.index(best)
        found = []
        for other, tried in enumerate(self.tried):
            if (min(number, other), max(number, other)) not in self.differ:
                continue
            only_best = self._healed_by(number, but=other)
            only_other = self._healed_by(other, but=number)
            if not only_best or only_other * SHARE > only_best:
                found.append(tried)
        return found

    def _healed_by(self, number: int, *, but: int) -> int:
        return sum(
            count for bits, count in self.sets.items() if bits >> number & 1 and not bits >> but & 1
        )
