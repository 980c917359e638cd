"""Wakes a worker early: a ring is also a message, which is here before arq polls its queue."""

import asyncio
from functools import partial

import structlog

from ingest.redis import RedisFailed
from workers.commit import Committer
from workers.slots import Slots

log = structlog.get_logger(__name__)

_RECONNECT = 0.5  # seconds before Redis is tried again


async def listen(committer: Committer, slots: Slots) -> None:
    """Commit what is rung for, until cancelled. While no slot is free, rings are not read."""
    while True:
        try:
            async for account, collection in committer.doorbell.rings():
                if collection in committer.registry:
                    await slots.start(partial(_commit, committer, account, collection))
        except RedisFailed:
            await asyncio.sleep(_RECONNECT)


async def _commit(committer: Committer, account: str, collection: str) -> None:
    try:
        await committer.commit_rung(account, collection)
    except Exception as error:
        # As arq does with a job that fails: the worker continues, and the sweeper rings again.
        log.exception("the commit of a ring failed", error=type(error).__name__)
