"""Wakes a worker early: a ring is also a message, which is here before arq polls its queue."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import structlog

from ingest.errors import ConfigurationError, Unavailable
from ingest.redis import RedisFailed
from workers.commit import Committer
from workers.slots import Slots

log = structlog.get_logger(__name__)

_RECONNECT = 0.5  # seconds before what carries rings is tried again
_FIRST = 1.0  # seconds before PostgreSQL is listened to, which is for when Redis fails


async def listen(committer: Committer, slots: Slots) -> None:
    """Commit what is rung for through Redis, until cancelled. While no slot is free, rings are not
    read."""
    while True:
        with suppress(RedisFailed):
            async for account, collection in committer.doorbell.rings():
                if collection in committer.registry:
                    await slots.start(partial(_commit, committer.commit_rung, account, collection))
        await asyncio.sleep(_RECONNECT)


async def listen_for_notices(committer: Committer, slots: Slots) -> None:
    """The same for rings through PostgreSQL, which every worker takes."""
    pause = _FIRST
    while True:
        await asyncio.sleep(pause)
        pause = _RECONNECT
        with suppress(Unavailable, ConfigurationError):
            async for account, collection in committer.doorbell.rings_by_notice():
                if collection in committer.registry:
                    pending = committer.commit_pending
                    await slots.start(partial(_commit, pending, account, collection))


async def _commit(
    commit: Callable[[str, str], Awaitable[None]], account: str, collection: str
) -> None:
    try:
        await commit(account, collection)
    except Exception as error:
        # As arq does with a job that fails: the worker continues, and the sweeper rings again.
        log.exception("the commit of a ring failed", error=type(error).__name__)
