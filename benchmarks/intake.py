"""Intake: from the bytes of a JSON body to the bytes that are staged, beside marshmallow's way.

    python -m benchmarks.intake [--rounds N] [--items N]

A round takes 10,000 contacts of nine fields through decoding, validation and encoding, as a POST
to the service does, and the same bytes through `orjson.loads`, `schema.load(many=True)` and
`orjson.dumps`. Rounds are interleaved in one process; of each contender the round that took the
least processor time counts. Then the same with 1 % of the items invalid (marshmallow's way loads
one by one there, for `many` says nothing of which item is whose), and PATCH and upsert of the
valid ones. Stages are measured by themselves, so they need not add up. Results are printed, and
kept in benchmarks/results/intake.json.
"""

import argparse
import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from marshmallow import Schema, ValidationError

from benchmarks import schemas as cases
from benchmarks.validation import Run, each_alone, microseconds
from ingest import Resource
from ingest.examples.crm import ContactSchema
from ingest.formats.json import decode
from ingest.formats.limits import Limits
from ingest.ids import uuid7_texts
from ingest.model import Action, Chunk, Options, Resolution
from ingest.resources.records import RecordWriter
from ingest.validation import compile_validator
from ingest.validation.engine.record_functions import generate_write
from ingest.validation.intake import Intake
from ingest.validation.items import ItemValidator

RESULTS = Path(__file__).parent / "results" / "intake.json"
MAX_VALUES = 100_000  # as the service has it
GOAL = 5.0  # times as fast as marshmallow's way
LIMITS = Limits(max_item=sys.maxsize, max_items=sys.maxsize, max_nesting=32)
SLICE = 200  # as many as the pipeline takes at once

Rows = dict[str, dict[str, float]]


def take(validator: ItemValidator, body: bytes) -> Chunk:
    """What the service does with a body."""
    items = decode(body, LIMITS, validator.typed)
    assert isinstance(items, list)
    intake = Intake(validator, Options(lenient=True), max_values=MAX_VALUES)
    taken = 0
    while taken < len(items):
        taken += intake.take(items, taken)
    return intake.cut(last=True)


def plain(schema: Schema, body: bytes) -> bytes:
    """marshmallow's way, with all items valid."""
    return orjson.dumps(schema.load(orjson.loads(body), many=True))


def plain_each(schema: Schema, body: bytes) -> bytes:
    """marshmallow's way, where some are not."""
    loaded, errors = each_alone(schema.load, orjson.loads(body))()
    return orjson.dumps([loaded, {str(index): error.messages for index, error in errors.items()}])


def stages(resource: Resource, body: bytes) -> dict[str, Run]:
    """Each stage by itself, on what the one before it gives."""
    items = orjson.loads(body)
    fast = compile_validator(resource.schema)
    validator = ItemValidator(resource, Action.CREATE, Options())
    loaded = [fast.load(item) for item in items]
    records = orjson.loads(take(validator, body).records or b"[]")
    reference = RecordWriter(resource, Action.CREATE, Options())
    write = generate_write(resource, reference)
    assert write is not None
    keys = [record["id"] for record in records]
    made = [UUID(key) for key in keys]
    return {
        "decode": lambda: decode(body, LIMITS),
        "load": lambda: fast.load_many(items),
        "load and record": lambda: accepted(validator, items, keys),
        "server's keys": lambda: [uuid7_texts(SLICE) for _ in range(0, len(items), SLICE)],
        "record, of loaded": lambda: [
            write(0, each, item, key) for each, item, key in zip(loaded, items, made, strict=True)
        ],
        "record, reference": lambda: [
            reference.write(0, each, item, key)
            for each, item, key in zip(loaded, items, made, strict=True)
        ],
        "dumps": lambda: orjson.dumps(records),
    }


def accepted(validator: ItemValidator, items: list[Any], keys: list[str]) -> int:
    accept, count = validator.accept, 0
    assert accept is not None
    for index, (item, key) in enumerate(zip(items, keys, strict=True)):
        count += accept(index, item, key) is not None
    return count


def wholes(resource: Resource, count: int) -> dict[str, dict[str, Run]]:
    """Ours and marshmallow's way by kind of body; every answer is checked first."""
    case, schema = cases.CASES[0], resource.schema
    good, bad = (orjson.dumps(case.items(count, share)) for share in (0.0, 0.01))
    keyed = orjson.dumps(
        [
            {**item, "id": key}
            for item, key in zip(orjson.loads(good), uuid7_texts(count), strict=True)
        ]
    )
    merge = Options(resolution=Resolution.MERGE)
    create = ItemValidator(resource, Action.CREATE, Options())
    check(schema, take(create, good), count, 0)
    check(schema, take(create, bad), count, -(-count // 100))
    return {
        "POST, all valid": pair(create, good, plain, schema, good),
        "POST, 1 % invalid": pair(create, bad, plain_each, schema, bad),
        "POST, client's keys": pair(create, keyed, plain, schema, good),
        "upsert": pair(ItemValidator(resource, Action.CREATE, merge), good, plain, schema, good),
        "PATCH": pair(
            ItemValidator(resource, Action.UPDATE, Options()), keyed, plain, schema, good
        ),
    }


def pair(
    validator: ItemValidator,
    body: bytes,
    theirs: Callable[[Schema, bytes], bytes],
    schema: Schema,
    their_body: bytes,
) -> dict[str, Run]:
    chunk = take(validator, body)
    assert chunk.raw is None, "items that are fine need no copy of their raw form"
    return {
        "ingest": lambda: take(validator, body),
        "marshmallow": lambda: theirs(schema, their_body),
    }


def check(schema: Schema, found: Chunk, count: int, invalid: int) -> None:
    """A benchmark of wrong answers says nothing."""
    assert (found.received, len(found.failures)) == (count, invalid)
    for record in orjson.loads(found.records or b"[]"):
        own = {name: value for name, value in record.items() if name not in ("$i", "id")}
        try:
            assert schema.load(own) == own
        except ValidationError as error:
            raise AssertionError(error.messages) from error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--save", type=Path, default=RESULTS)
    parser.add_argument("--quick", action="store_true", help="one round; writes no results")
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds

    resource = Resource("contacts", ContactSchema, unique=["email"])
    rows: Rows = {
        kind: microseconds(runs, rounds, options.items)
        for kind, runs in wholes(resource, options.items).items()
    }
    body = orjson.dumps(cases.CASES[0].items(options.items, 0.0))
    parts = microseconds(stages(resource, body), rounds, options.items)

    print(f"\ndecode, validate, encode (µs an item, {options.items:,} contacts in one body)\n")
    for kind, times in rows.items():
        ours, theirs = times["ingest"], times["marshmallow"]
        print(f"{kind:<22}{ours:>7.2f}   marshmallow {theirs:>6.2f}   {theirs / ours:>5.1f} x")
    print("\nstages by themselves\n")
    for name, taken in parts.items():
        print(f"{name:<22}{taken:>7.2f}")
    first = rows["POST, all valid"]
    reached = first["marshmallow"] / first["ingest"]
    verdict = "reached" if reached >= GOAL else "MISSED"
    print(f"\n{reached:.1f} x marshmallow's way, goal {GOAL:.0f}: {verdict}")
    if options.quick:
        return
    options.save.parent.mkdir(exist_ok=True)
    found = {"python": platform.python_version(), "microseconds": rows, "stages": parts}
    options.save.write_text(json.dumps({**found, "ratio": reached}, indent=1) + "\n")


if __name__ == "__main__":
    main()
