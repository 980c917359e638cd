"""Everything that a validator makes of items, in a form that compares exactly."""

from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Any

import msgspec
import orjson
from msgspec import Struct

from ingest import Resource
from ingest.exactjson import dump_exact, load_exact
from ingest.model import Action, Chunk, Options
from ingest.resources.records import CLIENT_KEY, restore
from ingest.validation.engine.typed.items import TypedItems
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
    texts, received = [], []
    for item in items:
        with suppress(TypeError, ValueError):  # no JSON can say it
            text = dump_exact(item)
            received.append(load_exact(text))
            texts.append(text)
    alone = [fast.typed.decode(b"[%b]" % text) for text in texts]
    typed = [found[0] if found else item for found, item in zip(alone, received, strict=True)]
    check_together(fast.typed, [text for text, found in zip(texts, alone, strict=True) if found])
    expected = outcome(reference, received, seed)
    different = difference(without_order(outcome(fast, typed, seed)), without_order(expected))
    assert different is None, (different, reference.resource.fields, reference.action)
    return sum(map(fast.typed.is_typed, typed))


def check_together(typed: TypedItems, texts: Sequence[bytes]) -> None:
    """Check that items come out of a body of many as they do each by itself."""
    alone = [typed.decode(b"[%b]" % text) or [] for text in texts]
    expected = [(typed.is_typed(item), plain(item)) for found in alone for item in found]
    array = typed.decode(b"[%b]" % b",".join(texts)) or []
    lines = typed.decode_lines(b"\n".join(texts)) or []
    for together in (array, lines):
        assert [(typed.is_typed(item), plain(item)) for item in together] == expected


def plain(item: Any) -> bytes:
    """A typed item, or a plain one, as JSON."""
    return in_order(load_exact(msgspec.json.encode(item)) if isinstance(item, Struct) else item)


def without_order(answer: Any) -> Any:
    """An outcome in which the order of members does not show."""
    if len(answer) <= 2:
        return answer
    received, valid, records, raw, failures, calls = answer
    found = [(index, in_order(item), errors) for index, item, errors in failures]
    return received, valid, records, raw and in_order(orjson.loads(raw)), found, calls


def in_order(value: Any) -> bytes:
    return orjson.dumps(orjson.loads(dump_exact(value)), option=orjson.OPT_SORT_KEYS)
