"""What typed items and the generated functions make of items is what the RecordWriter makes.

Schemas and items are those of the compiler's own test, as resources with every kind of key,
action and option. Records, raw items, failures and every call of the user's code are compared.
"""

import os
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st

from ingest import Resource
from ingest.errors import ConfigurationError
from ingest.examples import contacts, deals
from ingest.model import Action, Options, Resolution
from ingest.resources.columns import KEY_TYPES, ColumnType
from ingest.validation.items import ItemValidator
from tests.harness import everything
from tests.property.json_values import as_json
from tests.property.record_outcomes import compare_typed, outcome
from tests.property.sameness import difference
from tests.property.strategies import HOSTILE, DrawnSchema, schemas

ITEMS = 50
FUZZING = "FUZZ_COMPARISONS" in os.environ
COMPARISONS = int(os.environ.get("FUZZ_COMPARISONS", "40000")) // 10
KEYS = (
    "0191d7a0-0000-7000-8000-00000000abcd",
    "0191D7A0-0000-7000-8000-00000000ABCD",
    "0191d7a0000070008000 00000000abcd",
    "x",
    None,
    5,
)


@st.composite
def resources(draw: st.DrawFn, drawn: DrawnSchema) -> Resource:
    """A resource of a schema, unless it is refused."""
    try:
        plain = Resource("drawn", drawn.schema)
    except (ConfigurationError, KeyError):  # marshmallow's, for an `only` that names no field
        reject()
    scalar = [each for each in plain.fields if each.type is not ColumnType.JSONB]
    unique = [each.name for each in scalar[1:]]
    keys = [each.name for each in scalar if each.type in KEY_TYPES]
    try:
        return Resource(
            "drawn",
            drawn.schema,
            key=draw(st.sampled_from(["id", *keys])),
            unique=draw(st.lists(st.sampled_from(unique), max_size=2, unique=True))
            if unique
            else (),
        )
    except ConfigurationError:
        return plain


@st.composite
def options(draw: st.DrawFn, resource: Resource) -> tuple[Action, Options]:
    finders = [each.name for each in resource.fields if each.type is not ColumnType.JSONB]
    return draw(st.sampled_from([Action.CREATE, Action.CREATE, Action.UPDATE])), Options(
        resolution=draw(st.sampled_from(Resolution)),
        matching=draw(st.sampled_from([None, None, *finders])),
    )


def items(resource: Resource, make: Any, seed: int, partial: bool) -> list[Any]:
    random = Random(seed)
    return [spoil(random, resource, made(random, resource, make, partial)) for _ in range(ITEMS)]


def made(random: Random, resource: Resource, make: Any, partial: bool) -> Any:
    """An item; more often than not one that loads."""
    item = None
    for _ in range(random.choice((1, 20, 20))):
        item = as_json(make(random))
        try:
            resource.schema.load(as_json(item), partial=partial)
        except Exception:  # noqa: BLE001 - what a user's code raises is no matter here
            continue
        break
    return item


def spoil(random: Random, resource: Resource, item: Any) -> Any:
    """Now and then a key, a version, or what cannot be stored."""
    if not isinstance(item, dict):
        return item
    if resource.server_key and random.random() < 0.5:
        item[resource.key.data_key] = random.choice(KEYS + KEYS[:1] * 20)
    if random.random() < 0.05:
        item["meta"] = random.choice(({}, {"version": 3}, {"version": "x"}, 5))
    if random.random() < 0.1 and item:
        item[random.choice(list(item))] = random.choice(
            (
                "a\0",
                "\\u0000",
                "\ud800",
                "x" * 600,
                "é" * 600,
                2**63,
                -(2**63),
                2**64,
                ["\0", 2**63],
            )
        )
    return item


class Tally:
    """What took the items that were compared."""

    compared = 0
    accepted = 0
    written = 0
    typed = 0
    valid = 0


def counted(function: Any, name: str) -> Any:
    def counting(*arguments: Any) -> Any:
        found = function(*arguments)
        setattr(Tally, name, getattr(Tally, name) + (found is not None))
        return found

    return function and counting


def compare(resource: Resource, kind: tuple[Action, Options], make: Any, seed: int) -> None:
    fast, reference = ItemValidator(resource, *kind), ItemValidator(resource, *kind)
    fast.accept = counted(fast.accept, "accepted")
    fast.write = counted(fast.write, "written")
    reference.accept = reference.write = None
    partial = kind[0] is Action.UPDATE
    # Made twice: hooks may change what they are given.
    one, other = (items(resource, make, seed, partial) for _ in range(2))
    answer, expected = outcome(fast, one, seed), outcome(reference, other, seed)
    different = difference(answer, expected)
    assert different is None, (different, resource.fields, kind)
    Tally.typed += compare_typed(fast, reference, one, seed)
    Tally.compared += ITEMS
    Tally.valid += len(expected[1]) if len(expected) > 2 else 0


@pytest.mark.timeout(0)
def test_generated_functions_make_the_same_records() -> None:
    @settings(
        max_examples=-(-COMPARISONS // ITEMS),
        deadline=None,
        derandomize=not FUZZING,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data(), schemas(many=False), st.integers(0, 2**32))
    def run(data: st.DataObject, drawn: DrawnSchema, seed: int) -> None:
        resource = data.draw(resources(drawn))
        compare(resource, data.draw(options(resource)), drawn.make, seed)

    Tally.compared = Tally.valid = Tally.accepted = Tally.written = Tally.typed = 0
    run()
    assert Tally.compared >= COMPARISONS
    assert Tally.accepted >= COMPARISONS / 30, "too little was accepted to mean anything"
    assert Tally.written >= COMPARISONS / 30, "too little was written to mean anything"
    assert Tally.accepted + Tally.written >= 0.5 * Tally.valid, "too much is left to the reference"


@pytest.mark.parametrize("resource", [contacts, deals, everything], ids=lambda each: each.name)
@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE])
@pytest.mark.parametrize("resolution", [Resolution.REFUSE, Resolution.MERGE])
def test_the_same_records_of_every_kind_of_column(
    resource: Resource, action: Action, resolution: Resolution
) -> None:
    fitting: dict[ColumnType, tuple[Any, ...]] = {
        ColumnType.TEXT: ("a", "red", "USD", "lead", "jim@example.com", "http://a.org", "+49 30"),
        ColumnType.BIGINT: (1, 150, -(2**63), 2**63, "7", 7.0),
        ColumnType.DOUBLE: (1.5, 1, "1.5", -0.0, 1e300, "inf"),
        ColumnType.NUMERIC: ("1.50", 1, 1.5, "1E+5", "1E+200000"),
        ColumnType.BOOLEAN: (True, False, 1, "yes"),
        ColumnType.UUID: KEYS[:2],
        ColumnType.TIMESTAMPTZ: ("2024-01-01T00:00:00+00:00", "2024-01-01T00:00:00Z"),
        ColumnType.TIMESTAMP: ("2024-01-01T00:00:00", "2024-01-01"),
        ColumnType.DATE: ("2024-02-29", "20240229"),
        ColumnType.TIME: ("10:00:00", "10:00"),
        ColumnType.INET: ("127.0.0.1", "2001:DB8::1"),
        ColumnType.JSONB: (
            ["a"], ["a"], [], ["b", "c"], ["a\0"], {"city": "x"}, {"city": "x", "zip": "12345"},
            [{"city": "y"}],
            {"k": 1}, {"k": "1"}, ["x", 1], [2**63], 5,
        ),
    }  # fmt: skip

    def make(random: Random) -> dict[str, Any]:
        share = random.choice((0.1, 0.5))
        return {
            field.data_key: random.choice(
                HOSTILE if random.random() < 0.02 else (*fitting[field.type], None)[:-1]
            )
            for field in resource.fields
            if field.field.required or random.random() < share
        }

    Tally.accepted = Tally.written = Tally.typed = 0
    for seed in range(7):
        compare(resource, (action, Options(resolution=resolution)), make, seed)
    assert Tally.accepted > 5
    assert Tally.typed > 5 or resource is everything
