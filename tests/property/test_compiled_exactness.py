"""The compiled function's answers are marshmallow's, for schemas and items that Hypothesis finds.

`FUZZ_COMPARISONS=1000000 pytest tests/property/test_compiled_exactness.py` compares that many.
"""

import os
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from ingest.validation import Validator, compile_validator
from tests.property.sameness import difference
from tests.property.strategies import CALLS, DrawnSchema, partials, schemas

ITEMS = 50
FUZZING = "FUZZ_COMPARISONS" in os.environ
"""Other schemas each time, where the same ones are compared otherwise."""
COMPARISONS = int(os.environ.get("FUZZ_COMPARISONS", "15000"))


def outcome(load: Any, item: Any) -> Any:
    """What a load comes to, and which code of the user's ran with what."""
    CALLS.clear()
    try:
        result = ("loaded", load(item))
    except ValidationError as error:
        result = ("invalid", error.messages, error.valid_data, error.data)
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be the same
        result = ("raised", type(error), str(error))
    return (*result, list(CALLS))


def report(different: Any, item: Any, partial: Any, validator: Validator) -> str:
    path, ours, theirs = different
    return "\n".join(
        (
            f"at {path}: {ours!r} and not {theirs!r}",
            f"item {item!r}, partial {partial!r}",
            *(f"{name}: {field!r}" for name, field in validator.schema.load_fields.items()),
            validator.source,
        )
    )


class Tally:
    comparisons = 0
    loaded = 0


@pytest.mark.timeout(0)
def test_every_answer_is_marshmallows() -> None:
    @settings(
        max_examples=max(1, -(-COMPARISONS // ITEMS)),
        deadline=None,
        derandomize=not FUZZING,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data(), schemas(), st.integers(0, 2**32))
    def compare(data: st.DataObject, drawn: DrawnSchema, seed: int) -> None:
        partial = data.draw(partials(drawn.schema))
        validator = compile_validator(drawn.schema)
        schema = drawn.schema
        options = {} if partial is None else {"partial": partial}
        for number in range(ITEMS):
            # Made twice: hooks may change what they are given.
            ours, theirs = (drawn.make(Random(f"{seed} {number}")) for _ in range(2))
            expected = outcome(lambda each: schema.load(each, **options), theirs)
            answer = outcome(lambda each: validator.load(each, partial), ours)
            different = difference(answer, expected) or difference(ours, theirs)
            if different is not None:
                raise AssertionError(report(different, ours, partial, validator))
            Tally.comparisons += 1
            Tally.loaded += expected[0] == "loaded"

    Tally.comparisons = Tally.loaded = 0
    compare()
    assert Tally.comparisons >= COMPARISONS
    assert Tally.loaded >= COMPARISONS / 10, "too few valid items to mean anything"
