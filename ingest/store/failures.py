"""Failures of batches in the database: written, and read again."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import orjson

from ingest.exactjson import dump_exact, load_exact, may_round
from ingest.model import AtMost, Failure, ItemError
from ingest.store.pool import Pool
from ingest.store.queries import load_queries

if TYPE_CHECKING:
    from ingest.store.pool import Connection

QUERIES = load_queries("failures.sql")
_PAGE = AtMost(500, 256 * 1024)
_SHORT = 2_000  # characters of errors that are read once for all items that have them
_MUCH = 512 * 1024  # bytes of raw items that a thread reads


async def insert_failures(
    connection: "Connection", account: str, batch: UUID, failures: Iterable[Failure]
) -> None:
    """Keep the failures of a batch, each with its raw item."""
    listed = list(failures)
    await connection.execute(
        QUERIES["insert"],
        batch,
        account,
        [failure.index for failure in listed],
        [dump_exact(failure.raw).decode() for failure in listed],
        [errors_text(failure) for failure in listed],
        [failure.conflict for failure in listed],
    )


def errors_text(failure: Failure) -> str:
    """The errors of a failure as `failures.errors` stores them."""
    return dump_exact([error.document() for error in failure.errors]).decode()


async def first_failures(
    connection: "Connection", account: str, batches: Sequence[UUID], at_most: AtMost
) -> dict[UUID, list[Failure]]:
    """The first failures of each batch, `at_most`, by batch, with raw items that are only shown."""
    found: dict[UUID, list[Failure]] = {batch: [] for batch in batches}
    for row in await connection.fetch(QUERIES["first"], account, batches, *at_most):
        # As it is stored, because reading a raw item of 16 MiB takes a second.
        raw = orjson.Fragment(row["raw"])
        found[row["batch"]].append(Failure(row["index"], raw, _errors(row)))
    return found


def first_of(failures: Sequence[Failure], at_most: AtMost) -> list[Failure]:
    """The same of failures that are still in memory."""
    found: list[Failure] = []
    size = 0
    for failure in failures[: at_most.items]:
        raw = dump_exact(failure.raw)
        size += len(raw) + len(errors_text(failure))
        if size > at_most.bytes and found:
            break
        found.append(Failure(failure.index, orjson.Fragment(raw), failure.errors))
    return found


async def pages(
    pool: Pool, account: str, batch: UUID, page: AtMost = _PAGE
) -> AsyncIterator[list[Failure]]:
    """All failures of an account's batch in the order of their indices.

    A page is a transaction of its own and holds about 256 KiB, so that neither a slow reader nor
    a long list costs memory or keeps a connection.
    """
    index = -1
    while True:
        async with pool.transaction(account) as connection:
            rows = await connection.fetch(QUERIES["after"], account, batch, index, *page)
        if not rows:
            return
        if sum(len(row["raw"]) for row in rows) > _MUCH:
            yield await asyncio.to_thread(_failures, rows)
        else:
            yield _failures(rows)
        index = rows[-1]["index"]


def _failures(rows: Sequence[asyncpg.Record]) -> list[Failure]:
    return [
        Failure(row["index"], raw, _errors(row))
        for row, raw in zip(rows, _raw_items(rows), strict=True)
    ]


def _raw_items(rows: Sequence[asyncpg.Record]) -> list[Any]:
    """The raw items of a page: all at once, unless one of them needs a closer look."""
    texts = [row["raw"].encode() for row in rows]
    whole = b"[%b]" % b",".join(texts)
    return list(map(load_exact, texts)) if may_round(whole) else orjson.loads(whole)


def _errors(row: asyncpg.Record) -> Sequence[ItemError]:
    text = row["errors"]
    return _known_errors(text) if len(text) <= _SHORT else _read_errors(text)


def _read_errors(text: str) -> Sequence[ItemError]:
    return tuple(ItemError.from_document(each) for each in orjson.loads(text))


_known_errors = lru_cache(maxsize=1024)(_read_errors)
