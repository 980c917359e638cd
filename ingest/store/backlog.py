"""The backlog: what is pending, over all accounts and of each."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from ingest.store.batches import QUERIES
from ingest.store.pool import Pool

_MOST_ACCOUNTS = 1_000
"""Those with the most bytes; what is pending of any other is too little to count."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What is pending of one account, or of all.

    `known_items` and `known_bytes` are those of batches that were accepted by a given time.
    """

    batches: int = 0
    items: int = 0
    bytes: int = 0
    known_items: int = 0
    known_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """The batches that are pending at one instant; times by the database's clock."""

    total: Pending
    accounts: Mapping[str, Pending]
    oldest: dt.datetime | None
    newest: dt.datetime | None
    asked_at: dt.datetime
    seconds: float
    """How long the database took to sum up."""

    @property
    def age(self) -> float:
        """Age of the oldest batch, in seconds."""
        return 0.0 if self.oldest is None else (self.asked_at - self.oldest).total_seconds()


async def read_waiting(pool: Pool, known: dt.datetime | None) -> Waiting:
    """Sum up what is pending; about 15 ms for every 100,000 batches.

    Raises:
        Unavailable: the database is away, or too busy.
    """
    async with pool.connection() as connection:
        rows = await connection.fetch(QUERIES["backlog"], known, _MOST_ACCOUNTS)
    sums = {
        row["account"]: Pending(
            row["batches"], row["items"], row["bytes"], row["known_items"], row["known_bytes"]
        )
        for row in rows
    }
    [whole] = [row for row in rows if row["account"] is None]
    return Waiting(
        total=sums.pop(None),
        accounts=sums,
        oldest=whole["oldest"],
        newest=whole["newest"],
        asked_at=whole["asked_at"],
        seconds=whole["seconds"],
    )
