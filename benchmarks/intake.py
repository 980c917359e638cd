"""Intake: from the bytes of a JSON body to the bytes that are staged, beside marshmallow's way.

    python -m benchmarks.intake [--rounds N] [--items N] [--only people,contacts,generated]

A round takes 10,000 items of each sample through decoding, validation and encoding, as a POST to
the service does, and the same bytes through `orjson.loads`, `schema.load(many=True)` and
`orjson.dumps`. Rounds are interleaved in one process; of each contender the round that took the
least processor time counts. Then the same with 1 % of the items invalid (marshmallow's way loads
one by one there, for `many` says nothing of which item is whose), and upsert and PATCH of the
valid ones. Stages are measured by themselves, so they need not add up. Guides are what libraries in
C take for part of it: `orjson.loads`, and msgspec's typed decoding and encoding, which check no
e-mail address by marshmallow's rules. Results go to benchmarks/results/intake.json and
docs/validation.md.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import orjson
from marshmallow import Schema

from benchmarks.machine import describe
from benchmarks.reports import intake as report
from benchmarks.reports.sheet import show
from benchmarks.results import save
from benchmarks.samples import SAMPLES, generated
from benchmarks.samples.sample import Sample, bad_among
from benchmarks.validation import Run, each_alone, microseconds
from ingest.formats.json import decode
from ingest.formats.limits import Limits
from ingest.ids import uuid7_texts
from ingest.model import Action, Chunk, Options, Resolution
from ingest.validation import compile_validator
from ingest.validation.intake import Intake
from ingest.validation.items import ItemValidator

MAX_VALUES = 100_000  # as the service has it
GOAL = 5.0  # times as fast as marshmallow's way
LIMITS = Limits(max_item=sys.maxsize, max_items=sys.maxsize, max_nesting=32)


def take(validator: ItemValidator, body: bytes) -> Chunk:
    """What the service does with a body."""
    items = decode(body, LIMITS, validator.typed)
    assert isinstance(items, list)
    return stage(validator, items)


def stage(validator: ItemValidator, items: Sequence[Any]) -> Chunk:
    """What the service does with items, at the end of which they are bytes to be staged."""
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


def bodies(sample: Sample, count: int) -> tuple[bytes, bytes]:
    """All valid, and with 1 % invalid."""
    return tuple(  # type: ignore[return-value]
        f"[{','.join(sample.items('s', range(count), bad=bad))}]".encode() for bad in (False, True)
    )


def wholes(sample: Sample, count: int) -> dict[str, dict[str, Run]]:
    """Ours and marshmallow's way by kind of body."""
    resource = sample.resource
    schema = resource.schema
    good, bad = bodies(sample, count)
    create = ItemValidator(resource, Action.CREATE, Options())
    upsert = ItemValidator(resource, Action.CREATE, Options(resolution=Resolution.MERGE))
    update = ItemValidator(resource, Action.UPDATE, Options())
    items = orjson.loads(good)
    keyed = orjson.dumps(
        [{"id": key, **item} for key, item in zip(uuid7_texts(count), items, strict=True)]
    )
    return {
        "POST, all valid": {
            "ingest": lambda: take(create, good),
            "marshmallow": lambda: plain(schema, good),
        },
        "POST, 1 % invalid": {
            "ingest": lambda: take(create, bad),
            "marshmallow": lambda: plain_each(schema, bad),
        },
        "upsert": {
            "ingest": lambda: take(upsert, good),
            "marshmallow": lambda: plain(schema, good),
        },
        "PATCH": {
            "ingest": lambda: take(update, keyed),
            "marshmallow": lambda: plain(schema, good),
        },
    }


def stages(sample: Sample, body: bytes) -> dict[str, Run]:
    """Each stage by itself, on what the one before it gives."""
    items = orjson.loads(body)
    validator = ItemValidator(sample.resource, Action.CREATE, Options())
    fast = compile_validator(sample.resource.schema)
    records = orjson.loads(take(validator, body).records or b"[]")
    keys = [record["id"] for record in records]
    return {
        "decode": lambda: decode(body, LIMITS),
        "load": lambda: fast.load_many(items),
        "load and record": lambda: accepted(validator, items, keys),
        "encode": lambda: orjson.dumps(records),
    }


def accepted(validator: ItemValidator, items: list[Any], keys: list[str]) -> int:
    accept, count = validator.accept, 0
    assert accept is not None
    for index, (item, key) in enumerate(zip(items, keys, strict=True)):
        count += accept(index, item, key) is not None
    return count


def guides(sample: Sample, body: bytes) -> dict[str, Run]:
    """What libraries in C take for parts of it."""
    runs: dict[str, Run] = {"orjson.loads": lambda: orjson.loads(body)}
    if find_spec("msgspec") is None:
        print("msgspec is not installed and left out; pip install -e '.[bench]' brings it")
        return runs
    from benchmarks.msgspec_types import TYPES_BY_COLLECTION, json

    decoder, encoder = json.Decoder(list[TYPES_BY_COLLECTION[sample.collection]]), json.Encoder()
    decoded = decoder.decode(body)
    return runs | {
        "msgspec, typed": lambda: decoder.decode(body),
        "msgspec, encode": lambda: encoder.encode(decoded),
    }


def check(sample: Sample, count: int) -> None:
    """A benchmark of wrong answers says nothing."""
    schema, names = sample.resource.schema, sample.resource.schema.load_fields.keys()
    create = ItemValidator(sample.resource, Action.CREATE, Options())
    good, bad = bodies(sample, count)
    found = take(create, bad)
    assert (found.received, len(found.failures)) == (count, bad_among(0, count))
    records = orjson.loads(take(create, good).records or b"[]")
    for item, record in zip(orjson.loads(good), records, strict=True):
        own = {name: value for name, value in record.items() if name in names and name in item}
        assert schema.load(own) == schema.load(item)


def staged(sample: Sample, count: int) -> dict[str, float]:
    """Bytes an item: as it is sent, as its record is staged, as its raw form is kept beside it."""
    body, _ = bodies(sample, count)
    chunk = take(ItemValidator(sample.resource, Action.CREATE, Options()), body)
    parts = {"sent": body, "record": chunk.records or b"", "raw": chunk.raw or b""}
    return {name: len(part) / count for name, part in parts.items()}


def measure(sample: Sample, rounds: int, count: int) -> dict[str, Any]:
    """All figures of one sample."""
    check(sample, min(count, 1_000))
    body, _ = bodies(sample, count)
    return {
        "microseconds": {
            kind: microseconds(runs, rounds, count) for kind, runs in wholes(sample, count).items()
        },
        "stages": microseconds(stages(sample, body), rounds, count),
        "guides": microseconds(guides(sample, body), rounds, count),
        "bytes": staged(sample, count),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--only", default=",".join(SAMPLES), help="samples, such as people")
    parser.add_argument("--quick", action="store_true", help="one round of a tenth of the items")
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds
    count = options.items // 10 if options.quick else options.items
    names = options.only.split(",")
    began = time.monotonic()
    found = {name: measure(SAMPLES[name], rounds, count) for name in names}
    results = {
        "machine": describe(),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "rounds": rounds,
        "items": count,
        "schema": generated.SEED,
        "samples": found,
    }
    show(report.page(results))
    for name, figures in found.items():
        times = figures["microseconds"]["POST, all valid"]
        ratio = times["marshmallow"] / times["ingest"]
        verdict = "reached" if ratio >= GOAL else "MISSED"
        print(f"{name}: {ratio:.1f} x as fast as marshmallow's way, goal {GOAL:.0f}: {verdict}")
    whole = names == list(SAMPLES) and not options.quick
    print(f"saved to {save('intake', results, whole=whole)}")


if __name__ == "__main__":
    main()
