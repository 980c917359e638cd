"""Contacts to send: as many as wanted, each with an address that no other has, made quickly."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

BAD_EVERY = 100
"""Of bad rows, one in so many: 1 %."""
_VARIETY = 1_000  # different people; their addresses get a number each
_SEED = 20_26


@dataclass(frozen=True, slots=True)
class _Person:
    """A contact without its address: as JSON before and after the number in it, and as values."""

    before: str
    after: str
    bad_after: str
    values: tuple[Any, ...]


def _word(rng: random.Random) -> str:
    return "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 12)))


def _person(rng: random.Random) -> _Person:
    domain = f"@{_word(rng)}.example.com"
    rest = {
        "first_name": _word(rng).title(),
        "last_name": _word(rng).title(),
        "company": f"{_word(rng).title()} Ltd",
        "phone": f"+49 30 {rng.randrange(10**7):07}",
        "country": rng.choice(["DE", "FR", "US", "JP"]),
        "age": rng.randrange(18, 90),
        "subscribed": rng.random() < 0.5,
        "tags": [_word(rng) for _ in range(rng.randrange(4))],
    }
    good = json.dumps(rest, separators=(",", ":"))
    bad = json.dumps({**rest, "age": "old"}, separators=(",", ":"))
    values = (*list(rest.values())[:-1], json.dumps(rest["tags"]))
    return _Person(
        f'{{"email":"{_word(rng)}.', f'{domain}",{good[1:]}', f'{domain}",{bad[1:]}', values
    )


_PEOPLE = [_person(random.Random(f"{_SEED}/{number}")) for number in range(_VARIETY)]
_MAIL = [person.before.removeprefix('{"email":"') for person in _PEOPLE]
_DOMAINS = [person.after.partition('"')[0] for person in _PEOPLE]


def items(serial: str, first: int, count: int, *, bad: bool) -> list[str]:
    """Contacts `first` to `first + count` of a series, as JSON objects.

    Args:
        serial: unique to the series; with it every address is.
        bad: whether every hundredth has an age that is no number.
    """
    made = []
    for number in range(first, first + count):
        person = _PEOPLE[number % _VARIETY]
        after = person.bad_after if bad and is_bad(number) else person.after
        made.append(f"{person.before}{serial}.{number}{after}")
    return made


def is_bad(number: int) -> bool:
    """Whether the contact of this number is a bad one, where bad ones are asked for."""
    return number % BAD_EVERY == BAD_EVERY // 2


def bad_among(first: int, count: int) -> int:
    """How many of `count` contacts are bad, where bad ones are asked for."""
    half = BAD_EVERY // 2
    return (first + count - 1 + half) // BAD_EVERY - (first - 1 + half) // BAD_EVERY


def records(serial: str, first: int, count: int) -> Iterator[tuple[Any, ...]]:
    """The same contacts as the values of `COLUMNS`, ready for a binary COPY."""
    for number in range(first, first + count):
        place = number % _VARIETY
        address = f"{_MAIL[place]}{serial}.{number}{_DOMAINS[place]}"
        yield (address, *_PEOPLE[place].values)
