"""How many round trips a batch costs that is alone: of the API process, and of the worker."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from statistics import median_low

import pytest
from aiohttp.test_utils import TestClient, TestServer

from ingest.app import create_app
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.quotas import set_quota
from ingest.store.tokens import create_token
from tests.api.shared import contact
from tests.harness import REGISTRY, Service
from tests.round_trips import Wire
from workers.settings import open_committer, running_worker

_FIRST = 5  # batches in which connections are made and statements prepared
_BATCHES = 9  # what happens at intervals falls into fewer than half of them


@dataclass(frozen=True)
class Observed:
    """A service whose every round trip is counted."""

    service: Service
    wires: dict[str, Wire]

    @property
    def has_read_outcomes(self) -> bool:
        """Whether the API process has read of any batch what came of it."""
        return any(b"ingest.batches_of" in trip for trip in self.wires["api postgres"].trips)

    async def typical(self, **headers: str) -> dict[str, int]:
        """The round trips of each wire for one batch of one item."""
        counts = [await self._count(number, headers) for number in range(_FIRST + _BATCHES)]
        return {name: median_low(each[name] for each in counts[_FIRST:]) for name in self.wires}

    async def _count(self, number: int, headers: dict[str, str]) -> Counter[str]:
        for wire in self.wires.values():
            wire.trips.clear()
        own = {name: f"{value}{number}" for name, value in headers.items()}
        reply = await self.service.post(
            "contacts", [contact(number)], prefer="return=minimal", **own
        )
        assert reply.status == 201, reply.body
        return Counter({name: len(wire.trips) for name, wire in self.wires.items()})


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, what is waited for would be looked up before it is announced."""
    monkeypatch.setattr("ingest.batches.waiting._POLL", 60.0)


@asynccontextmanager
async def observed(settings: Settings, operator: Pool) -> AsyncIterator[Observed]:
    """API and worker of this process; arq does not poll meanwhile."""
    settings = replace(settings, poll_delay=60.0)
    async with AsyncExitStack() as opened:

        async def wired(part: str) -> Settings:
            for server, url in (("postgres", settings.database_url), ("redis", settings.redis_url)):
                wires[f"{part} {server}"] = await opened.enter_async_context(Wire(url).opened())
            return replace(
                settings,
                database_url=wires[f"{part} postgres"].url,
                redis_url=wires[f"{part} redis"].url,
            )

        wires: dict[str, Wire] = {}
        _, token = await create_token(operator, "acme", "tests")
        committer = await opened.enter_async_context(
            open_committer(await wired("worker"), REGISTRY)
        )
        await opened.enter_async_context(running_worker(committer))
        server = TestServer(create_app(await wired("api"), REGISTRY))
        client = await opened.enter_async_context(TestClient(server, auto_decompress=False))
        yield Observed(Service(client, token), wires)


WORKER = {
    "worker postgres": 1,  # take, apply and finish
    "worker redis": 2,  # take the ring, announce
}


async def test_without_a_key(settings: Settings, operator: Pool) -> None:
    async with observed(settings, operator) as service:
        assert await service.typical() == {
            **WORKER,
            "api postgres": 1,  # stage
            "api redis": 1,  # ring
        }


async def test_with_a_key(settings: Settings, operator: Pool) -> None:
    async with observed(settings, operator) as service:
        assert await service.typical(idempotency_key="key-") == {
            **WORKER,
            "api postgres": 1,
            "api redis": 2,  # claim; ring, which ends the claim
        }


@pytest.mark.parametrize("key", [{}, {"idempotency_key": "key-"}])
async def test_with_a_rate_limit(settings: Settings, operator: Pool, key: dict[str, str]) -> None:
    limited = replace(settings, rate_limit="1000000/second", account_rate_limit="1000000/second")
    async with observed(limited, operator) as service:
        counts = await service.typical(**key)
        assert counts["api redis"] == 2 + len(key), "one of both limits"


async def test_what_is_announced_is_what_is_stored(settings: Settings, operator: Pool) -> None:
    async with observed(settings, operator) as observer:
        service, key = observer.service, "00000000-0000-7000-8000-000000000001"
        item = contact(1, id=key)
        replies = [
            await service.request(method, "/v1/contacts", items, prefer=f"return=minimal{prefer}")
            for method, items, prefer in (
                ("POST", [item, contact(2)], ""),
                ("POST", [item, contact(3)], ", resolution=merge-duplicates"),
                ("PATCH", [{"id": key, "age": 7}], ""),
                ("DELETE", [key], ""),
                ("POST", [], ""),
            )
        ]
        assert not observer.has_read_outcomes
        named = ("created", "updated", "unchanged", "deleted")
        counts = [[reply.body["metadata"][name] for name in named] for reply in replies]
        assert counts == [[2, 0, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
        for reply in replies:
            batch = (await service.get(f"batches/{reply.body['metadata']['batchId']}")).body["data"]
            stored = batch["response"]
            assert (stored["status"], stored["body"] | {"timestamp": ""}) == (
                reply.status,
                reply.body | {"timestamp": ""},
            )
        assert observer.has_read_outcomes, "the test would not notice"


async def test_an_answer_that_shows_more_is_read(settings: Settings, operator: Pool) -> None:
    async with observed(settings, operator) as observer:
        bad = {"email": "no address"}
        reply = await observer.service.post(
            "contacts", [contact(1), bad], prefer="return=minimal, handling=lenient"
        )
        assert (reply.status, list(reply.codes)) == (207, [1])
        assert (await observer.service.post("contacts", [contact(1)])).status == 422
        assert (await observer.service.post("contacts", [contact(2)])).body["data"]


async def test_limits_are_shown_of_an_account_that_has_some(
    settings: Settings, operator: Pool
) -> None:
    async with observed(settings, operator) as observer:
        assert (await observer.service.post("contacts", [contact(1)])).status == 201
        await set_quota(operator, "acme", "contacts", 2)
        reply = await observer.service.post("contacts", [contact(2)], prefer="return=minimal")
        assert reply.body["notifications"] == ["contacts_list_full"]
