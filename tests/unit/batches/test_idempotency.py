"""Idempotency keys that are claimed, and whose claims end, at the same moment."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import redis

from ingest.batches.idempotency import Claim, Claims
from ingest.batches.leases import Lease, now
from ingest.batches.rings import Rings
from ingest.errors import InProgress, KeyMismatch
from ingest.ids import uuid7
from ingest.model import IdempotencyKey
from ingest.redis import RedisLink, open_redis
from ingest.settings import Settings
from ingest.store.pool import Pool, open_pool
from tests.harness import Service
from tests.staged import batch_of, save

_MANY = 64


def key(name: object, fingerprint: bytes = b"same") -> IdempotencyKey:
    return IdempotencyKey(str(name), fingerprint.ljust(32, b"."))


def claim_of(name: object, fingerprint: bytes = b"same", account: str = "acme") -> Claim:
    return Claim(account, uuid7(), key(name, fingerprint))


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    async with open_pool(settings) as pool:
        yield pool


@pytest.fixture
async def link(settings: Settings) -> AsyncIterator[RedisLink]:
    async with open_redis(settings) as link:
        yield link


@pytest.fixture
def claims(link: RedisLink, pool: Pool) -> Claims:
    return Claims(pool, link, lease=60, ttl=3600)


@pytest.fixture
def rings(link: RedisLink) -> Rings:
    return Rings(link)


async def end(claims: Claims, claim: Claim, accepted: Rings | None = None) -> None:
    """End a claim, granted or not: with a ring where its batch was accepted."""
    if claim.lease is None:
        claim.lease = Lease(claim.batch, claim.name, claim.holder, now())
    async with claims.held(claim):
        if accepted is not None:
            claim.accepted = claim.key
    if accepted is not None:
        await accepted.ring(claim.account, "contacts", claims.ended(claim))


class Calls:
    """How often scripts were called since this was made."""

    def __init__(self, settings: Settings) -> None:
        self._client = redis.Redis.from_url(settings.redis_url)
        self._client.config_resetstat()

    def count(self) -> int:
        stats: Any = self._client.info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("eval", "evalsha"))


async def test_claims_and_ends_of_one_moment_share_round_trips(
    claims: Claims, rings: Rings, settings: Settings
) -> None:
    for accepted in (None, rings):
        warm = claim_of("warm")
        await claims.claim(warm)  # the scripts are loaded when first called
        await end(claims, warm, accepted)
    many = [claim_of(n, account=f"account {n % 8}") for n in range(_MANY)]
    calls = Calls(settings)
    assert await asyncio.gather(*map(claims.claim, many)) == [None] * _MANY
    assert calls.count() == 1
    await asyncio.gather(*(end(claims, claim) for claim in many[::2]))
    assert calls.count() == 2
    await asyncio.gather(*(end(claims, claim, rings) for claim in many[1::2]))
    assert calls.count() == 3


async def test_each_claim_is_decided_as_if_it_came_alone(
    claims: Claims, rings: Rings, pool: Pool
) -> None:
    taken = claim_of("taken")
    await claims.claim(taken)
    await save(pool, replace(batch_of(key=taken.key), id=taken.batch))
    await end(claims, taken, rings)
    answers = await asyncio.gather(
        claims.claim(claim_of("new", b"first")),
        claims.claim(claim_of("taken")),
        claims.claim(claim_of("new", b"first")),
        claims.claim(claim_of("new", b"second")),
        claims.claim(claim_of("new", account="rival")),
        return_exceptions=True,
    )
    assert (answers[0], answers[1], answers[4]) == (None, taken.batch, None)
    assert isinstance(answers[2], InProgress)
    assert isinstance(answers[3], KeyMismatch)


async def test_each_claim_ends_by_itself_and_only_for_its_holder(claims: Claims) -> None:
    kept, freed, another = claim_of("kept"), claim_of("freed"), claim_of("another's")
    for claim in (kept, freed, another):
        assert await claims.claim(claim) is None
    await asyncio.gather(end(claims, freed), end(claims, replace(another, batch=uuid7())))
    assert await claims.claim(claim_of("freed")) is None
    for name in ("kept", "another's"):
        with pytest.raises(InProgress):
            await claims.claim(claim_of(name))


async def test_a_key_whose_batch_is_gone_is_free(claims: Claims, rings: Rings) -> None:
    """Redis says that it is accepted, and PostgreSQL, which decides, knows no such batch."""
    gone = claim_of("gone")
    await claims.claim(gone)
    await end(claims, gone, rings)
    assert await claims.claim(claim_of("gone", b"another request")) is None


async def test_entries_expire(claims: Claims, rings: Rings, settings: Settings) -> None:
    accepted = claim_of("accepted")
    await claims.claim(accepted)
    await end(claims, accepted, rings)
    await claims.claim(claim_of("in flight"))
    with redis.Redis.from_url(settings.redis_url) as client:
        lives: list[Any] = [client.pttl(name) for name in client.keys("ingest:key:*")]
    in_flight, kept = sorted(lives)
    assert 0 < in_flight <= 60_000 < kept <= 3_600_000


async def test_all_are_granted_where_redis_is_away(settings: Settings, pool: Pool) -> None:
    async with open_redis(replace(settings, redis_url="redis://127.0.0.1:1/0")) as link:
        claims = Claims(pool, link, lease=60, ttl=3600)
        many = [claim_of("k") for _ in range(3)]
        assert await asyncio.gather(*map(claims.claim, many)) == [None] * 3
        await asyncio.gather(*(end(claims, claim) for claim in many))


async def test_writes_with_keys_need_few_round_trips(api: Service, settings: Settings) -> None:
    contacts = [{"email": f"{n}@example.com", "first_name": "Jim"} for n in range(_MANY)]
    calls = Calls(settings)
    replies = await asyncio.gather(
        *(
            api.post("contacts", [contact], idempotency_key=str(n), prefer="respond-async")
            for n, contact in enumerate(contacts)
        )
    )
    assert [reply.status for reply in replies] == [202] * _MANY
    assert calls.count() < _MANY  # alone each would need one to claim and one to end
