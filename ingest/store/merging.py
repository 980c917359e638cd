"""The corrected items of a repair put among the records of its batch, chunk by chunk.

::

    chunk 0   items 0 to 3,999      ─┐ changes 7, 12, 3,100 ─▶ chunk 0, rewritten
    chunk 1   items 4,000 to 9,100   │ none                  ─▶ as it is
    chunk 2   items from 9,101 on   ─┘ thousands, and large  ─▶ chunk 2, rewritten, and chunk 3

Each item belongs to the chunk that begins last before it. No more is in memory than one chunk, and
a page of changes.
"""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from ingest.model import Batch
from ingest.resources.entries import Entry, entries, joined
from ingest.store.batches import QUERIES as BATCHES
from ingest.store.queries import load_queries
from ingest.validation.intake import MAX_CHUNK

if TYPE_CHECKING:
    from ingest.store.pool import Connection

QUERIES = load_queries("repair.sql")
_ROWS, _BYTES = 500, 256 * 1024  # of a page

Change = tuple[int, Entry | None]
"""An index, and what takes the place of its item; None where nothing does."""


async def merge_records(connection: "Connection", batch: Batch, repair: UUID) -> None:
    """Put the changes that are staged of a repair among the records of its batch."""
    chunks = await connection.fetch(BATCHES["chunks"], batch.account, batch.id)
    starts = [0, *(chunk["first_index"] for chunk in chunks[1:])]
    writer = _Writer(connection, batch, max(chunk["chunk"] for chunk in chunks))
    for chunk, start, end in zip(chunks, starts, [*starts[1:], batch.received], strict=True):
        pages = _pages(connection, batch.account, repair, start, end)
        first = await anext(pages, None)
        if first is not None:
            await writer.rewrite(chunk["chunk"], start, first, pages)


async def _pages(
    connection: "Connection", account: str, repair: UUID, start: int, end: int
) -> AsyncIterator[list[Change]]:
    """The changes of items from index `start` to before `end`, in order."""
    while rows := await connection.fetch(
        QUERIES["changes"], account, repair, start, end, _ROWS, _BYTES
    ):
        yield [(row["index"], _entry(*row)) for row in rows]
        start = rows[-1]["index"] + 1


def _entry(index: int, record: str | None, raw: str | None) -> Entry | None:
    if record is None:
        return None
    return Entry(index, record.encode(), None if raw is None else raw.encode())


class _Writer:
    """Writes the chunks of one batch anew."""

    def __init__(self, connection: "Connection", batch: Batch, last: int) -> None:
        """Args: `last` is the highest number of a chunk."""
        self._connection = connection
        self._place = (batch.account, batch.id)
        self._last = last
        self._number: int | None = None
        self._start = 0
        self._items: list[Entry] = []
        self._size = 0

    async def rewrite(
        self, number: int, start: int, page: Sequence[Change], pages: AsyncIterator[list[Change]]
    ) -> None:
        """Write a chunk with its changes; what is too much for it becomes further chunks.

        Args:
            start: the index at which it begins.
            page, pages: its changes, in order.
        """
        self._number, self._start = number, start
        payload = await self._connection.fetchrow(BATCHES["payload"], *self._place, number)
        if payload is None:
            raise LookupError("a chunk is gone although its batch is locked")
        stored = entries(payload["records"], payload["raw"])
        del payload
        place = 0
        while page:
            for index, entry in page:
                while place < len(stored) and stored[place].index < index:
                    await self._put(stored[place])
                    place += 1
                if place < len(stored) and stored[place].index == index:
                    place += 1
                if entry is not None:
                    await self._put(entry)
            page = await anext(pages, [])
        for entry in stored[place:]:
            await self._put(entry)
        await self._write()

    async def _put(self, entry: Entry) -> None:
        if self._items and self._size + entry.size > MAX_CHUNK:
            await self._write()
            self._start = entry.index
        self._items.append(entry)
        self._size += entry.size

    async def _write(self) -> None:
        query = "rewrite_chunk"
        if self._number is None:
            query = "insert_chunk"
            self._last = self._number = self._last + 1
        await self._connection.execute(
            QUERIES[query], *self._place, self._number, self._start, *joined(self._items)
        )
        self._number = None
        self._items, self._size = [], 0
