"""Writes are refused while the database is not migrated for what they would save."""

import asyncio
import time
from collections.abc import Callable

from ingest.errors import ConfigurationError
from ingest.resources.resource import Resource
from ingest.store.layouts import register
from ingest.store.missing import missing_for_writes, not_migrated
from ingest.store.pool import Pool

_KNOWN_FOR = 10.0  # seconds: what is there once is hardly ever taken away
_LACKING_FOR = 1.0  # seconds, so that refused writes don't all ask


class Migrated:
    """What one process knows of the tables that it writes to."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._known: dict[str, tuple[float, str]] = {}
        """Until when, and what is wrong, by collection."""
        self._one_at_a_time = asyncio.Lock()

    async def check(self, resource: Resource) -> None:
        """Let a write to a collection pass.

        From then on its layout is in the database, so that any worker can read its records.

        Raises:
            ConfigurationError: the table lacks what the schema needs.
            Unavailable: the database cannot be asked.
        """
        if self._clock() >= self._until(resource):
            async with self._one_at_a_time:
                if self._clock() >= self._until(resource):
                    await self._ask(resource)
        _, wrong = self._known[resource.name]
        if wrong:
            raise ConfigurationError(wrong)

    def _until(self, resource: Resource) -> float:
        return self._known.get(resource.name, (0.0, ""))[0]

    async def _ask(self, resource: Resource) -> None:
        async with self._pool.connection() as connection:
            missing = await missing_for_writes(connection, resource)
            if not missing:
                await register(connection, resource)
        lasts = _LACKING_FOR if missing else _KNOWN_FOR
        self._known[resource.name] = (self._clock() + lasts, not_migrated(missing))
