"""Formats: what a body of people costs in each, beside the parser in C that reads it.

    python -m benchmarks.formats [--quick]

"parser" is orjson (a line at a time for NDJSON), `csv.reader`, `yaml.CSafeLoader` and lxml alone,
"decode" is the same body as items, "staged" the whole way of a body until its bytes are staged.
Rounds are interleaved in one process; of each the round that took the least processor time counts.
Results go to benchmarks/results/formats.json.
"""

import argparse
import csv
import io
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
import yaml
from lxml import etree

from benchmarks.bodies import body_of
from benchmarks.intake import LIMITS, stage
from benchmarks.machine import describe
from benchmarks.reports.sheet import Sheet, show
from benchmarks.results import save
from benchmarks.samples import PEOPLE, SAMPLES
from benchmarks.validation import Run, microseconds
from ingest.formats.decoding import open_decoder
from ingest.formats.negotiation import CSV, JSON, NDJSON, XML, YAML, BodyFormat
from ingest.model import Action, Chunk, Options
from ingest.validation.items import ItemValidator

SAMPLE = SAMPLES[PEOPLE]
_OURS = ("decode", "staged")
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


def sheet(found: dict[str, dict[str, float]]) -> Sheet:
    """A line a format, each as a ratio to its parser."""
    rows = [
        (
            media_type,
            PARSERS[media_type][0],
            f"{times['parser']:.2f}",
            *(f"{times[each]:.2f} ({times[each] / times['parser']:.1f})" for each in _OURS),
        )
        for media_type, times in found.items()
    ]
    columns = ("format", "parser", "parser alone", *(f"{each} (÷ parser)" for each in _OURS))
    return Sheet("µs an item, people, all in one body", columns, rows, left=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round, fewer items")
    quick = parser.parse_args().quick
    found = measure(1, 1_000) if quick else measure(5, 10_000)
    show([sheet(found)])
    results = {"machine": describe(), "microseconds": found}
    print(f"saved to {save('formats', results, whole=not quick)}")


if __name__ == "__main__":
    main()
