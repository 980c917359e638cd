"""What is no longer kept: found across accounts, removed account by account in bounded steps."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from ingest.store.pool import Pool
from ingest.store.queries import load_queries
from ingest.store.tables import IMAGES, quote

QUERIES = load_queries("retention.sql")


@dataclass(frozen=True, slots=True)
class Kept:
    """How long each thing is kept, counted from the moment at which its batch finished."""

    payload: dt.timedelta
    """Staged items; those of a batch that the service could not commit are kept as `row`."""
    answer: dt.timedelta
    """The saved items of the response, and the idempotency key."""
    row: dt.timedelta
    """Failures; and whole batches that no stored item can name."""
    repair: dt.timedelta
    """What batches that were refused for their items are repaired with; then they are kept as
    others are that were refused."""


async def remove_expired(pool: Pool, kept: Kept, at_most: int) -> Mapping[str, int]:
    """Remove what has expired of at most `at_most` batches for each kind of thing.

    Returns:
        How many batches were found for each kind; `at_most` means that there may be more.
    """
    async with pool.connection() as connection:
        found = await connection.fetch(
            QUERIES["expired"], kept.payload, kept.answer, kept.row, at_most
        )
        found += await connection.fetch(QUERIES["expired_repairs"], kept.repair, at_most)
    by_kind: dict[str, dict[str, list[UUID]]] = defaultdict(lambda: defaultdict(list))
    for row in found:
        by_kind[row["kind"]][row["account"]].append(row["id"])
    ages = {
        "payload": kept.payload,
        "answer": kept.answer,
        "failures": kept.row,
        "row": kept.row,
        "repair": kept.repair,
    }
    for kind, accounts in by_kind.items():
        for account, ids in accounts.items():
            async with pool.transaction(account) as connection:
                await connection.execute(QUERIES[f"remove_{kind}"], account, ids, ages[kind])
    return {kind: sum(map(len, accounts.values())) for kind, accounts in by_kind.items()}


async def remove_images(
    pool: Pool, age: dt.timedelta, at_most: int, *, most: int | None = None
) -> int:
    """Remove before-images of at most `at_most` batches: those of a certain age.

    Args:
        most: instead of these, the oldest that an account has beyond so many bytes.

    Returns:
        Of how many batches.
    """
    async with pool.connection() as connection:
        if most is None:
            found = await connection.fetch(QUERIES["expired_images"], age, at_most)
        else:
            found = await connection.fetch(QUERIES["excess_images"], most, at_most)
    places: dict[tuple[str, str], list[UUID]] = defaultdict(list)
    for row in found:
        places[row["account"], row["collection"]].append(row["id"])
    for (account, collection), ids in places.items():
        images = f"{quote(IMAGES)}.{quote(collection)}"
        async with pool.transaction(account) as connection:
            await connection.execute(
                f"DELETE FROM {images} WHERE account = $1 AND batch = ANY ($2)",  # noqa: S608 - quoted
                account,
                ids,
            )
            await connection.execute(QUERIES["remove_images"], account, ids)
    return len(found)
