"""Idempotency keys that are claimed, and whose claims end, at the same moment."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import redis

from ingest.batches.idempotency import Holder, Keys, Phase
from ingest.ids import uuid7
from ingest.model import IdempotencyKey
from ingest.redis import open_redis
from ingest.settings import Settings
from tests.harness import Service

_MANY = 64


def key(name: object, fingerprint: bytes = b"same") -> IdempotencyKey:
    return IdempotencyKey(str(name), fingerprint)


@pytest.fixture
async def keys(settings: Settings) -> AsyncIterator[Keys]:
    async with open_redis(settings) as link:
        yield Keys(link, lease=60, ttl=3600)


class Calls:
    """How often scripts were called since this was made."""

    def __init__(self, settings: Settings) -> None:
        self._client = redis.Redis.from_url(settings.redis_url)
        self._client.config_resetstat()

    def count(self) -> int:
        stats: Any = self._client.info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("eval", "evalsha"))


async def test_claims_and_ends_of_one_moment_share_round_trips(
    keys: Keys, settings: Settings
) -> None:
    await keys.claim("acme", key("warm"), uuid7())  # the scripts are loaded when first called
    await keys.release("acme", key("warm"), uuid7())
    batches = [uuid7() for _ in range(_MANY)]
    calls = Calls(settings)
    claimed = await asyncio.gather(
        *(keys.claim(f"account {n % 8}", key(n), batch) for n, batch in enumerate(batches))
    )
    assert claimed == [None] * _MANY
    assert calls.count() == 1
    await asyncio.gather(
        *(keys.accepted(f"account {n % 8}", key(n), batch) for n, batch in enumerate(batches))
    )
    assert calls.count() == 2


async def test_each_claim_is_answered_as_if_it_came_alone(keys: Keys) -> None:
    taken, batches = uuid7(), [uuid7() for _ in range(4)]
    await keys.claim("acme", key("taken"), taken)
    await keys.accepted("acme", key("taken"), taken)
    answers = await asyncio.gather(
        keys.claim("acme", key("new", b"first"), batches[0]),
        keys.claim("acme", key("taken"), batches[1]),
        keys.claim("acme", key("new", b"second"), batches[2]),
        keys.claim("rival", key("new"), batches[3]),
    )
    assert answers == [
        None,
        Holder(taken, b"same", Phase.ACCEPTED),
        Holder(batches[0], b"first", Phase.IN_FLIGHT),
        None,
    ]


async def test_each_claim_ends_for_itself_and_only_by_whom_it_is_held(keys: Keys) -> None:
    kept, freed, another = uuid7(), uuid7(), uuid7()
    await keys.claim("acme", key("kept"), kept)
    await keys.claim("acme", key("freed"), freed)
    await keys.claim("acme", key("another's"), another)
    await asyncio.gather(
        keys.accepted("acme", key("kept"), kept),
        keys.release("acme", key("freed"), freed),
        keys.release("acme", key("another's"), freed),
        keys.accepted("acme", key("nothing's"), kept),
    )
    late = uuid7()
    assert await asyncio.gather(
        *(
            keys.claim("acme", key(name), late)
            for name in ("kept", "freed", "another's", "nothing's")
        )
    ) == [
        Holder(kept, b"same", Phase.ACCEPTED),
        None,
        Holder(another, b"same", Phase.IN_FLIGHT),
        None,
    ]


async def test_entries_expire(keys: Keys, settings: Settings) -> None:
    batch = uuid7()
    await keys.claim("acme", key("accepted"), batch)
    await keys.accepted("acme", key("accepted"), batch)
    await keys.claim("acme", key("in flight"), batch)
    with redis.Redis.from_url(settings.redis_url) as client:
        lives: list[Any] = [client.pttl(name) for name in client.keys("ingest:key:*")]
    in_flight, accepted = sorted(lives)
    assert 0 < in_flight <= 60_000 < accepted <= 3_600_000


async def test_all_pass_where_redis_is_away(settings: Settings) -> None:
    async with open_redis(replace(settings, redis_url="redis://127.0.0.1:1/0")) as link:
        keys = Keys(link, lease=60, ttl=3600)
        assert (
            await asyncio.gather(*(keys.claim("acme", key("k"), uuid7()) for _ in range(3)))
            == [None] * 3
        )
        await asyncio.gather(*(keys.release("acme", key("k"), uuid7()) for _ in range(3)))


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
    assert calls.count() < _MANY  # alone each would need one to claim, one to end and a ring
