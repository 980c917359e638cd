"""Formats: what a body of people costs in each, beside the parser in C that reads it.

    python -m benchmarks.formats [--quick]

"parser" is orjson (a line at a time for NDJSON), `csv.reader`, `yaml.CSafeLoader` and lxml alone,
"decode" is the same body as items, "staged" the whole way of a body until its bytes are staged.
Rounds are interleaved in one process; of each the round that took the least processor time counts.
Results go to benchmarks/results/formats.json and docs/formats.md.
"""

import argparse
import csv
import io
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
import yaml
from lxml import etree

from benchmarks.bodies import body_of
from benchmarks.intake import LIMITS, stage
from benchmarks.machine import describe
from benchmarks.reports import formats as report
from benchmarks.reports.sheet import show
from benchmarks.results import save
from benchmarks.samples import PEOPLE, SAMPLES
from benchmarks.validation import Run, microseconds
from ingest.formats.decoding import open_decoder
from ingest.formats.negotiation import CSV, JSON, NDJSON, XML, YAML, BodyFormat
from ingest.model import Action, Chunk, Options
from ingest.validation.items import ItemValidator

SAMPLE = SAMPLES[PEOPLE]
PARSERS: dict[str, tuple[str, Callable[[bytes], Any]]] = {
    JSON: ("orjson", orjson.loads),
    NDJSON: ("orjson", lambda body: [orjson.loads(line) for line in body.splitlines()]),
    CSV: ("csv.reader", lambda body: list(csv.reader(io.StringIO(body.decode())))),
    YAML: ("yaml.CSafeLoader", lambda body: yaml.load(body, Loader=yaml.CSafeLoader)),
    XML: ("lxml", etree.fromstring),
}
"""By media type: what reads it, without making items of it where it has no such thing."""


def decode(media_type: str, body: bytes) -> list[Any]:
    """What the service makes of a body."""
    decoder = open_decoder(BodyFormat(media_type), SAMPLE.resource, None, LIMITS)
    return [*decoder.feed(body), *decoder.end()]


def _staged(validator: ItemValidator, media_type: str, body: bytes) -> Chunk:
    return stage(validator, decode(media_type, body))


def measure(rounds: int, count: int) -> dict[str, dict[str, float]]:
    """Microseconds an item of each format."""
    items = SAMPLE.items("formats", range(count))
    validator = ItemValidator(SAMPLE.resource, Action.CREATE, Options())
    found = {}
    for media_type, (_, parse) in PARSERS.items():
        body = body_of(media_type, items)
        chunk = _staged(validator, media_type, body)
        if (chunk.received, chunk.invalid) != (count, 0):
            raise RuntimeError(f"{media_type}: {chunk.failures[:1]}")
        runs: dict[str, Run] = {
            "parser": partial(parse, body),
            "decode": partial(decode, media_type, body),
            "staged": partial(_staged, validator, media_type, body),
        }
        found[media_type] = microseconds(runs, rounds, count)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round, fewer items")
    quick = parser.parse_args().quick
    began, rounds = time.monotonic(), 1 if quick else 5
    results = {
        "machine": describe(),
        "microseconds": measure(rounds, 1_000 if quick else 10_000),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "rounds": rounds,
        "parsers": {media_type: name for media_type, (name, _) in PARSERS.items()},
    }
    show(report.page(results))
    print(f"saved to {save('formats', results, whole=not quick)}")


if __name__ == "__main__":
    main()
