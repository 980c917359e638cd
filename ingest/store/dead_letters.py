"""Dead letters, for operators: batches listed across accounts, and put back to be committed again.

Needs a login that may see all accounts, as `tokens.list_tokens` does.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from ingest.errors import ConfigurationError
from ingest.model import BatchState
from ingest.store.batches import REASON
from ingest.store.pool import Pool
from ingest.store.queries import load_queries

QUERIES = load_queries("dead_letters.sql")


@dataclass(frozen=True, slots=True)
class Listed:
    """A batch as an operator sees it."""

    id: UUID
    account: str
    collection: str
    action: str
    state: str
    received: int
    attempts: int
    created_at: dt.datetime
    finished_at: dt.datetime | None
    error: dict[str, Any] | None
    has_payload: bool

    @property
    def reason(self) -> str:
        """Why the service could not commit it; empty where it did not fail for that."""
        if self.error is None:
            return ""
        return ": ".join(self.error[part] for part in ("message", REASON) if part in self.error)


async def list_batches(
    pool: Pool, account: str | None, state: BatchState | None, at_most: int
) -> list[Listed]:
    """The newest batches, of one account or of all, in one state or in any."""
    async with pool.connection() as connection:
        rows = await connection.fetch(QUERIES["list"], account, state and state.value, at_most)
    return [Listed(**{**row, "error": row["error"] and orjson.loads(row["error"])}) for row in rows]


async def put_back(pool: Pool, batch: UUID) -> None:
    """Accept a batch again that failed for the service's own reason; a sweeper rings for it.

    Raises:
        ConfigurationError: there is no such batch, or it may not be put back, and why.
    """
    async with pool.connection() as connection, connection.transaction():
        row = await connection.fetchrow(QUERIES["lock_any"], batch)
        if row is None:
            raise ConfigurationError(f"there is no batch {batch}")
        if row["state"] != BatchState.FAILED:
            raise ConfigurationError(
                f"batch {batch} is {row['state']}: only failed ones are retried"
            )
        if not row["broken"]:
            raise ConfigurationError(
                f"batch {batch} failed because of its items: correct them and send them again"
            )
        if not await connection.fetchval(QUERIES["has_payload"], batch):
            raise ConfigurationError(
                f"the items of batch {batch} are no longer kept: have them sent again"
            )
        await connection.execute(QUERIES["put_back"], batch)
