"""Leases: renewed together while their process lives, lost where another request has the key."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

import pytest
import redis

from ingest.batches.idempotency import Claim, Claims
from ingest.errors import InProgress
from ingest.ids import uuid7
from ingest.model import IdempotencyKey
from ingest.redis import RedisLink, open_redis
from ingest.settings import Settings
from ingest.store.pool import Pool, open_pool
from ingest.store.staging import KeyTaken
from ingest.tasks import end
from tests.waiting import until

Result = TypeVar("Result")
_MANY = 64
_LONG, _SHORT = 60.0, 0.2


def claim_of(name: object) -> Claim:
    return Claim("acme", uuid7(), IdempotencyKey(str(name), b"same".ljust(32, b".")))


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    async with open_pool(settings) as pool:
        yield pool


@pytest.fixture
async def link(settings: Settings) -> AsyncIterator[RedisLink]:
    async with open_redis(settings) as link:
        yield link


@pytest.fixture
def claims(pool: Pool, link: RedisLink) -> Claims:
    return Claims(pool, link, lease=_LONG, ttl=3600)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Any]:
    with redis.Redis.from_url(settings.redis_url) as client:
        yield client


@asynccontextmanager
async def in_flight(claims: Claims, *many: Claim) -> AsyncIterator[asyncio.Event]:
    """Claims that are granted, and held until the event is set or the block ends."""
    done, held = asyncio.Event(), asyncio.Semaphore(0)

    async def hold(claim: Claim) -> None:
        assert await claims.claim(claim) is None
        async with claims.held(claim):
            held.release()
            await done.wait()

    tasks = [asyncio.create_task(hold(claim)) for claim in many]
    for _ in tasks:
        await held.acquire()
    try:
        yield done
    finally:
        done.set()
        await asyncio.gather(*tasks)


async def test_all_are_renewed_in_one_round_trip(claims: Claims, client: Any) -> None:
    many = [claim_of(number) for number in range(_MANY)]
    async with in_flight(claims, *many):
        await claims.leases.renew()  # the script is loaded when it is first called
        for claim in many:
            client.pexpire(claim.name, 1_000)
        client.config_resetstat()
        await claims.leases.renew()
        assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == 1
        assert min(client.pttl(claim.name) for claim in many) > 1_000
    client.config_resetstat()
    await claims.leases.renew()
    assert "cmdstat_evalsha" not in client.info("commandstats")
    assert not client.keys("ingest:key:*")


async def test_it_outlives_many_leases_while_its_process_lives(
    pool: Pool, link: RedisLink, client: Any
) -> None:
    claims = Claims(pool, link, lease=_SHORT, ttl=3600)

    async def renewed() -> bool:
        """More often than within one lease."""
        stats = await asyncio.to_thread(client.info, "commandstats")
        return bool(stats.get("cmdstat_pexpire", {}).get("calls", 0) > 20)

    async with in_flight(claims, claim_of("long")):
        client.config_resetstat()
        running = asyncio.create_task(claims.leases.run())
        await until(renewed)
        with pytest.raises(InProgress):
            await claims.claim(claim_of("long"))
        await end([running])


async def test_it_is_free_once_its_process_renews_no_more(pool: Pool, link: RedisLink) -> None:
    claims = Claims(pool, link, lease=_SHORT, ttl=3600)
    assert await claims.claim(claim_of("dead")) is None

    async def granted() -> bool:
        try:
            return await claims.claim(claim_of("dead")) is None
        except InProgress:
            return False

    await until(granted)


@pytest.mark.parametrize(("milliseconds", "seconds"), [(2_500, 3), (900, 1), (59_500, 60)])
async def test_how_long_to_wait_is_what_is_left_of_the_lease(
    claims: Claims, client: Any, milliseconds: int, seconds: int
) -> None:
    claim = claim_of("dead")
    assert await claims.claim(claim) is None
    client.pexpire(claim.name, milliseconds)
    with pytest.raises(InProgress) as told:
        await claims.claim(claim_of("dead"))
    assert told.value.retry_after == seconds
    assert (await claims.in_progress("acme", "dead")).retry_after == seconds
    assert (await claims.in_progress("acme", "free")).retry_after == 1


async def test_a_key_that_redis_forgot_is_taken_again(claims: Claims, client: Any) -> None:
    claim = claim_of("forgotten")
    async with in_flight(claims, claim):
        client.flushall()
        await claims.leases.renew()
        with pytest.raises(InProgress):
            await claims.claim(claim_of("forgotten"))
        await claims.check(claim)


async def test_a_key_that_another_request_has_is_lost(claims: Claims, client: Any) -> None:
    lost, kept = claim_of("lost"), claim_of("kept")
    async with in_flight(claims, lost, kept):
        client.set(lost.name, claim_of("lost").holder)
        await claims.leases.renew()
        with pytest.raises(KeyTaken):
            await claims.check(lost)
        await claims.check(kept)
    assert client.exists(lost.name), "it is another's"
    assert not client.exists(kept.name)


async def test_a_process_that_was_paused_asks_before_it_goes_on(
    pool: Pool, link: RedisLink, client: Any
) -> None:
    """No loop runs here, as none does in a process that is stopped."""
    claims = Claims(pool, link, lease=0.001, ttl=3600)
    claim, alone = claim_of("paused"), claim_of("alone")
    async with in_flight(claims, claim, alone):
        await until(lambda: asyncio.to_thread(lambda: not client.exists(claim.name)))
        client.set(claim.name, claim_of("paused").holder)
        with pytest.raises(KeyTaken):
            await claims.check(claim)
        await claims.check(alone)


class Slow:
    """A link whose next call waits until it is let go."""

    def __init__(self, link: RedisLink) -> None:
        self.pool = link.pool
        self._link = link
        self.called, self.go = asyncio.Event(), asyncio.Event()

    async def call(self, function: Callable[[], Awaitable[Result]]) -> Result:
        if not self.called.is_set():
            self.called.set()
            await self.go.wait()
        return await self._link.call(function)


async def test_a_renewal_that_is_late_takes_no_key_that_was_freed(
    pool: Pool, link: RedisLink, client: Any
) -> None:
    slow = Slow(link)
    slow.called.set()
    claims = Claims(pool, slow, lease=_LONG, ttl=3600)  # type: ignore[arg-type]  # it has what is used
    claim = claim_of("freed")
    async with in_flight(claims, claim) as done:
        slow.called.clear()
        renewing = asyncio.create_task(claims.leases.renew())
        await slow.called.wait()
        done.set()
        for _ in range(10):
            await asyncio.sleep(0)  # the claim ends, as far as it can
        slow.go.set()
        await renewing
    assert not client.exists(claim.name)


async def test_without_redis_nothing_is_lost(settings: Settings, pool: Pool) -> None:
    async with open_redis(replace(settings, redis_url="redis://127.0.0.1:1/0")) as link:
        claims = Claims(pool, link, lease=0.001, ttl=3600)
        claim = claim_of("away")
        async with in_flight(claims, claim):
            await claims.leases.renew()
            await claims.check(claim)
        assert (await claims.in_progress("acme", "away")).retry_after == 1


async def test_a_claim_that_was_not_granted_is_not_held(claims: Claims) -> None:
    with pytest.raises(ValueError, match="not granted"):
        async with claims.held(claim_of("nothing")):
            pass
