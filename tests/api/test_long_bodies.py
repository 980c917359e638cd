"""Long bodies: few are decoded at a time, none for longer than it takes, and each is answered."""

import asyncio
import dataclasses
import gc
import gzip
import json
import weakref
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from ingest.app import create_app
from ingest.formats import json as json_format
from ingest.http.admission import PLACES
from ingest.model import Chunk
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.api.shared import send, stored
from tests.harness import REGISTRY, Service
from tests.waiting import until
from workers.commit import Committer

ITEMS = 500


class Watched(dict[str, Any]):
    """An item that says when it is gone."""


@dataclasses.dataclass
class Decoded:
    """How many bodies are decoded and in memory, and how many were at most."""

    now: int = 0
    most: int = 0

    def add(self, items: list[Any]) -> list[Any]:
        items[0] = Watched(items[0])
        weakref.finalize(items[0], self._remove)
        self.now += 1
        self.most = max(self.most, self.now)
        return items

    def _remove(self) -> None:
        self.now -= 1


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Decoded:
    """The decoded bodies of this process."""
    found, decode = Decoded(), json_format.decode
    monkeypatch.setattr(json_format, "decode", lambda *given: found.add(decode(*given)))
    return found


def people(first: int) -> list[dict[str, Any]]:
    names = range(first, first + ITEMS)
    return [{"name": f"{each:0200}"} for each in names]


async def test_few_are_decoded_at_once(service: Service, decoded: Decoded) -> None:
    requests = [
        service.post("loose", people(number * ITEMS), prefer="wait=60") for number in range(8)
    ]
    replies = await asyncio.gather(*requests)
    assert [reply.status for reply in replies] == [201] * 8
    assert (decoded.now, decoded.most) == (0, PLACES - 1)


async def test_nothing_is_kept_while_a_request_waits_for_the_commit(
    api: Service, operator: Pool, committer: Committer, decoded: Decoded
) -> None:
    requests = [
        asyncio.create_task(api.post("loose", people(number * ITEMS), prefer="wait=60"))
        for number in range(4)
    ]

    async def all_wait() -> bool:
        payloads = [each for each in gc.get_objects() if isinstance(each, Chunk) and each.records]
        stored_now = await stored(operator, "ingest.batches")
        return stored_now == len(requests) and not decoded.now and not payloads

    await until(all_wait)
    assert not any(request.done() for request in requests)
    await committer.commit_pending("acme", "loose")
    assert [(await request).status for request in requests] == [201] * len(requests)


async def test_no_place_is_lost(settings: Settings, operator: Pool, worker: object) -> None:
    """Whatever a long body comes to, the next one is decoded."""
    _, token = await create_token(operator, "acme", "tests")
    limited = dataclasses.replace(settings, rate_limit=f"{3 * ITEMS}/hour")
    async with TestClient(TestServer(create_app(limited, REGISTRY))) as client:
        service = Service(client, token)
        good = json.dumps(people(0))
        assert (await send(service, "loose", good, idempotency_key="k")).status == 201
        for _ in range(PLACES + 1):
            broken = await send(service, "loose", good[:-1], idempotency_key="k")
            assert broken.error == (40001, "malformed_body"), "it is read before its key is"
        zipped = gzip.compress(good.encode())[:-8]
        for _ in range(PLACES + 1):
            reply = await send(service, "loose", zipped, content_encoding="gzip")
            assert reply.error == (40001, "malformed_body")
        missing = await send(service, "guarded", good)
        assert missing.error == (40003, "idempotency_key_required")
        replayed = await send(service, "loose", good, idempotency_key="k")
        assert replayed.error == (40901, "idempotency_replayed")
        other = await send(service, "loose", good + " ", idempotency_key="k")
        assert other.error == (42220, "idempotency_mismatch")
        for _ in range(PLACES + 1):
            limited_ = await send(service, "loose", good)
            assert limited_.error == (42901, "rate_limited")
        assert await service.count("loose") == ITEMS


async def test_no_place_is_lost_to_invalid_items(service: Service) -> None:
    invalid = [{}, *people(0)]
    for _ in range(PLACES + 1):
        assert (await service.post("loose", invalid)).status == 422
    for _ in range(PLACES + 1):
        reply = await service.post("loose", people(0), params={"dryRun": "true"})
        assert reply.status == 200
    assert (await service.post("loose", people(0))).status == 201
