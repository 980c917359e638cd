"""A resource's JSON Schema agrees with the service, for schemas and items that Hypothesis finds.

What the schema of what is sent takes, the service takes, unless a rule in words says otherwise.
What the service shows, the schema of what is shown takes; and where that can be sent back, the
schema of what is sent takes it, too. `FUZZ_COMPARISONS=100000` compares that many items.
"""

import json
import os
from collections.abc import Iterable
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ingest import Resource
from ingest.describe.json_schema import Kind
from ingest.errors import ConfigurationError
from tests.property.json_values import as_json
from tests.property.schema_oracle import Oracle
from tests.property.strategies import DrawnSchema, schemas
from tests.property.test_typed_exactness import item_of, resource_of

FUZZING = "FUZZ_COMPARISONS" in os.environ
ITEMS = 50 if FUZZING else 20
"""Of each schema."""
COMPARISONS = min(int(os.environ.get("FUZZ_COMPARISONS", "200")), 100_000)
"""By each of the two tests."""
KEY = "0191d7a0-0000-7000-8000-00000000abcd"


class Tally:
    """How many items were compared, taken by the schema, shown, and taken back."""

    compared = taken = shown = sent_back = 0

    @classmethod
    def clear(cls) -> None:
        cls.compared = cls.taken = cls.shown = cls.sent_back = 0


def as_sent(made: Any) -> dict[str, Any]:
    """An item as JSON could have it."""
    item = as_json(made)
    return json.loads(json.dumps(item, default=float)) if isinstance(item, dict) else {}


def compare(oracle: Oracle, item: dict[str, Any]) -> list[str]:
    """What is wrong with what is said of an item."""
    wrong = []
    Tally.compared += 1
    for kind, sent in ((Kind.CREATE, item), (Kind.PATCH, {"id": KEY, **item})):
        errors = oracle.errors(kind, sent)
        if oracle.takes(kind, sent):
            Tally.taken += 1
            wrong += [
                f"{kind} takes what the service refuses, {error}: {sent!r}"
                for error in oracle.unexcused(kind, errors, sent)
            ]
    if not oracle.errors(Kind.CREATE, item):
        wrong += compare_shown(oracle, item)
    return wrong


def compare_shown(oracle: Oracle, item: dict[str, Any]) -> list[str]:
    try:
        shown = oracle.shown(item)
    except Exception:  # noqa: BLE001 - code of the user's, which may not take a default
        return []
    wrong = []
    Tally.shown += 1
    if refusals := oracle.why_not(Kind.ITEM, shown):
        wrong.append(f"item refuses {shown!r}: {refusals}")
    if not oracle.errors(Kind.CREATE, shown):
        Tally.sent_back += 1
        if refusals := oracle.why_not(Kind.CREATE, shown):
            wrong.append(f"create refuses {shown!r}: {refusals}")
    part = oracle.some_of(shown)
    if not oracle.errors(Kind.PATCH, part) and (refusals := oracle.why_not(Kind.PATCH, part)):
        wrong.append(f"patch refuses {part!r}: {refusals}")
    return wrong


def check(resource: Resource, items: Iterable[dict[str, Any]]) -> None:
    oracle = Oracle(resource)
    for item in items:
        wrong = compare(oracle, item)
        if wrong:
            fields = "\n".join(f"{n}: {f!r}" for n, f in resource.schema.fields.items())
            documents = json.dumps(oracle.documents[Kind.CREATE])
            raise AssertionError("\n".join([*wrong, f"of {item!r}", fields, documents]))


@pytest.mark.timeout(0)
def test_schema_and_service_agree_on_any_schema() -> None:
    @settings(
        max_examples=COMPARISONS // ITEMS * 2,  # some are no resources
        deadline=None,
        derandomize=not FUZZING,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(schemas(many=False), st.integers(0, 2**32))
    def agree(drawn: DrawnSchema, seed: int) -> None:
        if Tally.compared >= COMPARISONS:
            return
        try:
            resource = Resource("drawn", drawn.schema)
        except (ConfigurationError, LookupError, ValueError):  # names with dots in `only`
            return
        randoms = (Random(f"{seed} {number}") for number in range(ITEMS))
        check(resource, (as_sent(drawn.make(random)) for random in randoms))

    Tally.clear()
    agree()
    assert Tally.compared >= COMPARISONS


@pytest.mark.timeout(0)
def test_schema_and_service_agree_on_plain_fields() -> None:
    Tally.clear()
    seeds = count(int(os.environ.get("FUZZ_SEED", "1")))
    while Tally.compared < COMPARISONS:
        random = Random(next(seeds))
        found = resource_of(random)
        if found is not None:
            resource, values = found
            items = [as_sent(item_of(random, resource, values)) for _ in range(ITEMS)]
            check(resource, items)
    assert min(Tally.taken, Tally.sent_back) > COMPARISONS / 10, vars(Tally)
