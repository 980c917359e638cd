"""Items to send: as many as wanted, each with what no other has, made quickly."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, cached_property
from hashlib import blake2b
from typing import Any

from ingest import Resource

BAD_EVERY = 100
"""Of bad rows, one in so many: 1 %."""
KEY, UNIQUE = "%(key)s", "%(unique)s"
"""What a drawn item has in the place of its own UUID, and of a text that no other has."""
_VARIETY = 1_000  # different items, before they get what is their own
_SEED = 20_26
_SPREAD = 0x9E37_79B9_7F4A_7C15  # odd: keys are spread over all UUIDs, as random ones are
_STORED: dict[str, Callable[[Any], Any]] = {
    "jsonb": json.dumps,
    "timestamptz": datetime.fromisoformat,
    "date": date.fromisoformat,
}
"""How a binary COPY wants the values of some types of columns."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One kind of item.

    Args:
        draw: makes an item, with `KEY` and `UNIQUE` in it; no other text of it has a per cent sign.
        spoil: what makes an item a bad one.
        columns: of the peers' table, with their types and constraints.
    """

    resource: Resource
    draw: Callable[[random.Random], dict[str, Any]]
    spoil: Mapping[str, Any]
    columns: Mapping[str, str]

    @property
    def collection(self) -> str:
        return self.resource.name

    @property
    def peers_table(self) -> str:
        """What creates the table of the peers and the floor.

        Theirs has no account, no version and no times to keep.
        """
        columns = {"id": "uuid PRIMARY KEY DEFAULT uuidv7()", **self.columns}
        listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        return f"CREATE TABLE public.{self.collection} ({listed})"

    def items(
        self,
        serial: str,
        numbers: range,
        *,
        bad: bool = False,
        fields: tuple[str, ...] = (),
        edition: int = 0,
    ) -> list[str]:
        """Items of some numbers of a series, as JSON objects.

        Args:
            serial: unique to the series; with it every key and every unique text is.
            bad: whether every hundredth is a bad one.
            fields: those that the items have; without it all.
            edition: another one has the same keys and unique texts with other values.
        """
        good, spoilt = self._templates(fields, False), self._templates(fields, True)
        return [
            (spoilt if bad and is_bad(number) else good)[(number + edition) % _VARIETY]
            % _own(serial, number)
            for number in numbers
        ]

    def records(self, serial: str, numbers: range) -> Iterator[tuple[Any, ...]]:
        """The same items as the values of `columns`, ready for a binary COPY."""
        for number in numbers:
            own = _own(serial, number)
            values = self._values[number % _VARIETY]
            yield tuple(
                each % own if type(each) is str and "%" in each else each for each in values
            )

    def one(self, rng: random.Random) -> dict[str, Any]:
        """An item as it is once its JSON is read."""
        item: dict[str, Any] = json.loads(
            json.dumps(self.draw(rng)) % _own("one", rng.getrandbits(40))
        )
        return item

    @cached_property
    def _drawn(self) -> list[dict[str, Any]]:
        return [self.draw(random.Random(f"{_SEED}/{number}")) for number in range(_VARIETY)]

    @cached_property
    def _values(self) -> list[tuple[Any, ...]]:
        return [
            tuple(_stored(kind, item.get(name)) for name, kind in self.columns.items())
            for item in self._drawn
        ]

    @cache  # noqa: B019 - samples live as long as their process
    def _templates(self, fields: tuple[str, ...], spoilt: bool) -> list[str]:
        made = []
        for drawn in self._drawn:
            item = {**drawn, **self.spoil} if spoilt else drawn
            kept = {name: item[name] for name in fields or item if name in item}
            made.append(json.dumps(kept, separators=(",", ":")))
        return made


def _stored(kind: str, value: Any) -> Any:
    convert = _STORED.get(kind.split()[0])
    return value if convert is None or value is None else convert(value)


def _own(serial: str, number: int) -> dict[str, str]:
    """What only one item of one series has: its key, and a text."""
    spread = f"{number * _SPREAD % 2**64:016x}"
    key = f"{spread[:8]}-{spread[8:12]}-4{spread[12:15]}-8{spread[15]}00-{_short_hash(serial)}"
    return {"key": key, "unique": f"{serial}.{number}"}


@cache
def _short_hash(serial: str) -> str:
    return blake2b(serial.encode(), digest_size=6).hexdigest()


def is_bad(number: int) -> bool:
    """Whether the item of this number is a bad one, where bad ones are asked for."""
    return number % BAD_EVERY == BAD_EVERY // 2


def bad_among(first: int, count: int) -> int:
    """How many of `count` items are bad, where bad ones are asked for."""
    half = BAD_EVERY // 2
    return (first + count - 1 + half) // BAD_EVERY - (first - 1 + half) // BAD_EVERY


def word(rng: random.Random, least: int = 3, most: int = 12) -> str:
    """A word of small letters."""
    return "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(least, most)))
