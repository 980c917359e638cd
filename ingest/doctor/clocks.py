"""Clocks that disagree: ids, ages, leases and expiry go by three of them."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable

from ingest.doctor.finding import Finding, Subject
from ingest.redis import RedisFailed
from ingest.store.doctor import look

_APART = 2.0  # seconds: more than servers that are set by NTP ever are


async def apart(subject: Subject) -> AsyncIterator[Finding]:
    """Servers whose clock is not that of this machine."""

    async def database() -> float:
        [row] = await look(subject.pool, "clock")
        return float(row["seconds"])

    clocks = {"PostgreSQL": database}
    if subject.redis is not None:
        clocks["Redis"] = subject.redis.clock
    for server, clock in clocks.items():
        try:
            ahead = await difference(clock)
        except RedisFailed:
            continue  # is a finding of another check
        if abs(ahead) > _APART:
            yield Finding(
                server,
                f"has a clock {abs(ahead):,.1f} s {'ahead of' if ahead > 0 else 'behind'}"
                " this machine's",
                "set the clocks of all machines by NTP: ids, expiry and ages of batches go by them",
            )


async def difference(clock: Callable[[], Awaitable[float]]) -> float:
    """By how many seconds a clock is ahead, at least: the answer may be as old as the call."""
    before = time.time()
    theirs = await clock()
    after = time.time()
    return theirs - min(max(theirs, before), after)
