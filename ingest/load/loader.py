"""Sends all parts of a file, several at a time, and counts them in the order of the file."""

import asyncio
import datetime as dt
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ingest.errors import BAD_FORMAT
from ingest.load.calls import Answer
from ingest.load.errors import LoadError
from ingest.load.failed_rows import Errors, FailedRows, Written, writer_for
from ingest.load.feed import Part, Row, cut
from ingest.load.plan import (
    Plan,
    begun_lookup,
    mark_call,
    mark_lookup,
    part_call,
    stream_call,
)
from ingest.load.progress import Progress
from ingest.load.readers import open_feed
from ingest.load.sender import Sender
from ingest.load.source import Source, in_thread
from ingest.load.totals import Totals
from ingest.load.wording import in_words_of_files

_MOST_LOADS = 1_000
_LOOKED_AHEAD = 20
"""So many loads may have lost their marks while a later one is unfinished."""
_LINE = re.compile(r"^Line \d+[.:] ?")

Settled = tuple[Part, Answer, Mapping[int, Errors]]
"""A part, its answer, and what is wrong with which of its rows, by their places in it."""


class Loader:
    """One load. `totals` and `failed_rows` hold what is known however it ends."""

    def __init__(
        self, plan: Plan, source: Source, sender: Sender, progress: Progress, failed: Path
    ) -> None:
        """Raises LoadError where the file cannot be read; its failed rows go to `failed`."""
        self._plan = plan
        self._source = source
        self._sender = sender
        self._progress = progress
        self._reading = source.read()
        self._feed = open_feed(self._reading, plan.file)
        self.failed_rows = FailedRows(failed, writer_for(self._feed))
        self.totals = Totals()

    async def run(self) -> Written:
        """Load the file; what lies beside it then.

        The service keeps a mark of each load that is finished: the same command goes on with one
        that is not, and else loads the file again.

        Raises:
            LoadError: it could not be finished; what was saved stays, and the same load goes on.
        """
        self._plan, self.totals.began = await _next_load(self._plan, self._source, self._sender)
        self.totals.again = self._plan.again
        await (self._send_stream() if self._plan.atomic else self._send_parts())
        written = self.failed_rows.finish(complete=True)
        await self._sender.send(mark_call(self._plan, self._source))
        return written

    # -- in parts -----------------------------------------------------------------------------

    async def _send_parts(self) -> None:
        parts = cut(self._feed, self._reading, self._plan.batch_size)
        under_way: deque[asyncio.Task[Settled]] = deque()
        unreadable: LoadError | None = None
        try:
            while True:
                try:
                    part = await in_thread(partial(next, parts, None))
                except LoadError as error:  # the parts before it are settled nevertheless
                    unreadable = error
                    break
                if part is None:
                    break
                under_way.append(asyncio.create_task(self._send(part)))
                if len(under_way) >= self._plan.at_once:
                    self._settle(*await under_way.popleft())
            while under_way:
                self._settle(*await under_way.popleft())
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
        if unreadable is not None:
            raise unreadable

    async def _send(self, part: Part) -> Settled:
        answer = await self._sender.send(part_call(self._plan, self._source, self._feed, part))
        metadata = answer.document["metadata"]
        received = metadata["receivedItemsCount"]
        if received != len(part.rows):
            raise LoadError(
                f"{part}: the service counted {received} items, and these are "
                f"{len(part.rows)}; is the delimiter right? Give --delimiter"
            )
        listed = answer.document.get("failures", [])
        indices = metadata.get("invalidItems", [])
        if len(indices) == len(listed) == metadata["invalidItemsCount"]:
            found = dict(zip(indices, listed, strict=True))
        else:
            failures = self._sender.failures(metadata["batchId"])
            found = {failure["index"]: failure async for failure in failures}
        errors = {place: _errors(part.rows[place], each) for place, each in found.items()}
        return part, answer, errors

    def _settle(self, part: Part, answer: Answer, failed: Mapping[int, Errors]) -> None:
        self.totals.add(answer)
        nothing_saved = answer.document["result"] == "failure"
        for place, row in enumerate(part.rows):
            errors = failed.get(place, [])
            if errors or nothing_saved:
                self._fail(part.first + place, row, errors)
        self._progress.at(part.place, self.totals.rows)

    def _fail(self, index: int, row: Row, errors: Errors) -> None:
        self.totals.add_errors(self._feed.place_of(index, row), errors)
        self.failed_rows.add(index, row, errors)

    # -- as one stream ------------------------------------------------------------------------

    async def _send_stream(self) -> None:
        sent = partial(self._progress.at, rows=None)
        answer = await self._sender.send(stream_call(self._plan, self._source, self._feed, sent))
        self.totals.add(answer)
        metadata = answer.document["metadata"]
        if metadata["invalidItemsCount"]:
            await self._fail_rows(metadata["batchId"])
        self._progress.at(self._source.size, self.totals.rows)

    async def _fail_rows(self, batch_id: str) -> None:
        """Read the file again beside the failures, for their rows."""
        feed = await in_thread(partial(open_feed, self._source.read(), self._plan.file))
        rows = enumerate(feed.rows)
        async for failure in self._sender.failures(batch_id):
            row = await in_thread(partial(_row_at, rows, failure["index"]))
            self._fail(failure["index"], row, _errors(row, failure))


async def _next_load(plan: Plan, source: Source, sender: Sender) -> tuple[Plan, dt.datetime]:
    """The first load of this file in this way that is not finished, and the service's time.

    Marks of the first loads may have expired while those of later ones have not: a load that was
    begun comes before one that was not.
    """
    again = 0
    while again < _MOST_LOADS:
        numbered = replace(plan, again=again)
        found = (await sender.send(mark_lookup(numbered, source))).document
        if found["data"]:
            again += 1
            continue
        begun = await _first_begun(numbered, source, sender)
        if begun in (None, again):
            return numbered, dt.datetime.fromisoformat(found["timestamp"])
        again = begun
    raise LoadError(f"the file was loaded {_MOST_LOADS} times of late; name this load with --run")


async def _first_begun(plan: Plan, source: Source, sender: Sender) -> int | None:
    """The first of this load and some after it that was begun, if there is one."""
    numbers = range(plan.again, plan.again + _LOOKED_AHEAD)
    lookups = (begun_lookup(replace(plan, again=number), source) for number in numbers)
    answers = await asyncio.gather(*map(sender.send, lookups))
    known = (number for number, each in zip(numbers, answers, strict=True) if each.document["data"])
    return next(known, None)


def _errors(row: Row, failure: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The errors of a failed row, without the lines of the request: the file's are others."""
    if row.problem is not None:
        return [BAD_FORMAT.document(row.problem)]
    found = []
    for error in failure["errors"]:
        description = _LINE.sub("", error.get("description", ""))
        rest = {name: value for name, value in error.items() if name != "description"}
        words = in_words_of_files(description)
        found.append({**rest, "description": words} if words else rest)
    return found


def _row_at(rows: Iterator[tuple[int, Row]], index: int) -> Row:
    for place, row in rows:
        if place == index:
            return row
    raise LoadError(f"the service named item {index}, and the file has no such row")
