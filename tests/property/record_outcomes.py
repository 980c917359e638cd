"""Everything that a validator makes of items, in a form that compares exactly."""

from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Any

import orjson

from ingest import Resource
from ingest.exactjson import dump_exact, load_exact
from ingest.model import Action, Chunk, Options
from ingest.resources.records import CLIENT_KEY, restore
from ingest.validation.intake import Intake
from ingest.validation.items import ItemValidator
from tests.property.sameness import difference
from tests.property.strategies import CALLS
from tests.staged import MAX_VALUES, take_all, valid_of


def outcome(validator: ItemValidator, items: Sequence[Any], seed: int) -> Any:
    """Everything that a submission says, in a form that compares exactly; and the calls."""
    CALLS.clear()
    resource, random = validator.resource, Random(seed)
    intake = Intake(validator, Options(lenient=True), max_values=MAX_VALUES)
    at = 0
    try:
        while at < len(items):
            upto = at + random.choice((1, 1, 2, 5))
            take_all(intake, items[at:upto])
            at = upto
        found = intake.cut(last=True)
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be the same
        return type(error), str(error)
    return *shown(resource, validator.action, found, items), list(CALLS)


def shown(resource: Resource, action: Action, found: Chunk, items: Sequence[Any]) -> Any:
    records = orjson.loads(found.records or b"[]")
    raw = orjson.loads(found.raw or b"{}")
    makes_keys = resource.server_key and not resource.database_key and action is Action.CREATE
    for record in records:
        check_restored(resource, record, raw.get(str(record["$i"]), ...), items)
        if makes_keys and CLIENT_KEY not in record:
            assert record.pop(resource.key.column)[14] == "7"
    return (
        found.received,
        valid_of(found),
        [orjson.dumps(each, option=orjson.OPT_SORT_KEYS) for each in records],
        found.raw,
        [
            (failure.index, failure.raw, [error.document() for error in failure.errors])
            for failure in found.failures
        ],
    )


def check_restored(resource: Resource, record: Any, kept: Any, items: Sequence[Any]) -> None:
    if kept is ... and isinstance(items[record["$i"]], dict):
        restored = orjson.dumps(restore(resource, record), option=orjson.OPT_SORT_KEYS)
        received = orjson.loads(dump_exact(items[record["$i"]]))
        assert restored == orjson.dumps(received, option=orjson.OPT_SORT_KEYS)


def compare_typed(
    fast: ItemValidator, reference: ItemValidator, items: Sequence[Any], seed: int
) -> int:
    """Compare what is made of typed items, where anything is read as them, with what `reference`
    makes of the same JSON; how many they were."""
    if fast.typed is None:
        return 0
    typed, received = [], []
    for item in items:
        with suppress(TypeError, ValueError):  # no JSON can say it
            body = dump_exact([item])
            received += load_exact(body)
            typed += fast.typed.decode(body) or received[-1:]
    expected = outcome(reference, received, seed)
    different = difference(without_order(outcome(fast, typed, seed)), without_order(expected))
    assert different is None, (different, reference.resource.fields, reference.action)
    return sum(map(fast.typed.is_typed, typed))


def without_order(answer: Any) -> Any:
    """An outcome in which the order of members does not show."""
    if len(answer) <= 2:
        return answer
    received, valid, records, raw, failures, calls = answer
    found = [(index, in_order(item), errors) for index, item, errors in failures]
    return received, valid, records, raw and in_order(orjson.loads(raw)), found, calls


def in_order(value: Any) -> bytes:
    return orjson.dumps(orjson.loads(dump_exact(value)), option=orjson.OPT_SORT_KEYS)
