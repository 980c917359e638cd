"""What is loaded where and how, and the requests that do it."""

import hashlib
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

import orjson

from ingest.formats.csv_records import DELIMITERS
from ingest.formats.negotiation import CSV, JSON, XML
from ingest.load.calls import Alive, Body, Call
from ingest.load.feed import Feed, Part, cut
from ingest.load.kinds import FileOptions
from ingest.load.readers import open_feed
from ingest.load.source import Source, in_thread

_SCHEME = 2
"""Changes whenever files are cut differently: a key must never name another request's rows."""

_PIECE = 256 * 1024
_DELIMITER_NAMES = {character: name for name, character in DELIMITERS.items()}


@dataclass(frozen=True, slots=True)
class Plan:
    """One load."""

    collection: str
    file: FileOptions
    method: str
    """`post`, `patch` or `delete`."""
    preferences: tuple[str, ...]
    matching: str | None
    empty_as: str | None
    notation: tuple[tuple[str, str], ...]
    """Query parameters that say how the texts of CSV are written, and their values."""
    batch_size: int
    """The most rows of a request."""
    at_once: int
    """How many requests are on their way at a time."""
    atomic: bool
    """Whether the file is one request, and so one batch."""
    compress: bool
    run: str
    """Another one loads the same file anew."""
    again: int = 0
    """How many loads of the same file in the same way are finished."""

    def key(self, source: Source, what: int | str) -> str:
        """The idempotency key of a part, by its number, or of the mark of a finished load (`end`).

        The same file in the same way has the same keys.
        """
        identity = [
            *(_SCHEME, source.digest, self.collection, self.method, self.preferences),
            *(self.matching, self.empty_as, self.run, self.atomic or self.batch_size),
            *(self.file.format, self.file.delimiter, self.file.charset, self.again),
            *self.notation,
            *(f"column {each}" for each in self.file.columns),
            *(f"element {each}" for each in self.file.items),
        ]
        digest = hashlib.blake2b(orjson.dumps(identity), digest_size=20).hexdigest()
        return f"load-{digest}-{what}"


def preferences(given: tuple[str, ...], *, strict: bool) -> tuple[str, ...]:
    """The preferences of every request; what is given wins over the defaults."""
    handling = "handling=strict" if strict else "handling=lenient"
    chosen = {"handling": handling, "return": "return=minimal"}
    for each in (part.strip() for value in given for part in value.split(",")):
        chosen[each.partition("=")[0].strip().lower()] = each
    chosen["replay"] = "replay=return"
    return tuple(sorted(chosen.values()))


def part_call(plan: Plan, source: Source, feed: Feed, part: Part) -> Call:
    """The request that sends a part."""
    body = feed.body(part.rows)
    return _call(plan, source, feed, part.number, str(part), lambda _: body)


def stream_call(plan: Plan, source: Source, feed: Feed, sent: Callable[[int], None]) -> Call:
    """The request that sends all of a file; each try reads it anew.

    Args:
        feed: the file, opened to learn its columns; its rows are not read.
        sent: called with the number of bytes of the file that have been sent, after each piece.
    """
    body = partial(_stream, plan, source, sent)
    return _call(plan, source, feed, 0, source.name, body)


def mark_call(plan: Plan, source: Source) -> Call:
    """The request that marks a load as finished: a batch without items."""
    feed = Feed(JSON, iter(()))
    return _call(plan, source, feed, "end", "the end of the load", lambda _: b"[]")


def mark_lookup(plan: Plan, source: Source) -> Call:
    """The request that finds the mark, where the load is finished."""
    return _lookup(plan, source, "end")


def begun_lookup(plan: Plan, source: Source) -> Call:
    """The request that finds the first part, where the load was begun."""
    return _lookup(plan, source, 0)


def _lookup(plan: Plan, source: Source, what: int | str) -> Call:
    params = {"idempotencyKey": plan.key(source, what)}
    return Call("GET", "/v1/batches", "the search for earlier loads", params=params)


def _call(plan: Plan, source: Source, feed: Feed, part: int | str, what: str, body: Body) -> Call:
    headers = {
        "Content-Type": f"{CSV}; charset=utf-8" if feed.media_type == CSV else feed.media_type,
        "Idempotency-Key": f'"{plan.key(source, part)}"',
        "Prefer": ", ".join(plan.preferences),
    }
    params = {} if plan.matching is None else {"matching": plan.matching}
    if feed.media_type == CSV:
        params["delimiter"] = _DELIMITER_NAMES[feed.delimiter]
        params.update(plan.notation)
    if feed.media_type in (CSV, XML) and plan.empty_as is not None:
        params["emptyAs"] = plan.empty_as
    # A DELETE with a body is dropped by some proxies, so it is a POST.
    method = "PATCH" if plan.method == "patch" else "POST"
    path = f"/v1/{quote(plan.collection, safe='')}"
    path += ":delete" if plan.method == "delete" else ""
    return Call(method, path, what, headers, params, body, "gzip" if plan.compress else None)


async def _stream(
    plan: Plan, source: Source, sent: Callable[[int], None], alive: Alive
) -> AsyncIterator[bytes]:
    """A body of all rows; of the formats that have neither separators nor tails."""
    reading = source.read()
    feed = await in_thread(partial(open_feed, reading, plan.file))
    parts = cut(feed, reading, sys.maxsize, _PIECE)
    if feed.head:
        yield feed.head
    while part := await in_thread(partial(next, parts, None)):
        yield b"".join(row.data for row in part.rows)
        alive()
        sent(part.place)
