"""15: a schema changes under load and changes back, its parts in every order."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from ingest.tasks import end
from tests.chaos.checks import Verdict, drained
from tests.chaos.client import Client, Ledger
from tests.chaos.experiments.common import Random, Scale
from tests.chaos.report import Result
from tests.chaos.stack import POLL, TIMEOUT, Stack
from tests.chaos.versions import BEFORE, CHANGES, Process, Version, Versions

Order = tuple[str, ...]
_UP: Sequence[Order] = [*itertools.permutations(("api", "migrate", "worker"))]
_DOWN: Sequence[Order] = [("worker", "api"), ("api", "worker")]
_WRITERS, _ITEMS, _BACKLOG = 2, 3, 4
_ROUNDS = itertools.count(1)


@dataclass
class World:
    """One collection while its schema changes, and what its clients were promised."""

    versions: Versions
    ledger: Ledger
    token: str
    promised: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What is to be stored of each item, by key and column."""
    wrong: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    loads: list["_Load"] = field(default_factory=list)
    apis: dict[Version, Process] = field(default_factory=dict)

    def api(self, version: Version) -> Process:
        """An API of a version; the one that was there before goes on, as a balancer has it."""
        if version not in self.apis:
            self.apis[version] = self.versions.api(version)
        return self.apis[version]

    def items(self, version: Version) -> list[dict[str, Any]]:
        """New items, no value of which there was before."""
        found = []
        for number in itertools.islice(self.numbers, _ITEMS):
            values = {name: _value(column, number) for name, column in version.columns.items()}
            found.append({"code": f"{number}", **values})
        return found

    def promise(self, version: Version, items: Sequence[dict[str, Any]]) -> None:
        for item in items:
            stored = self.promised.setdefault(item["code"], {})
            for name, column in version.columns.items():
                if name in item:
                    stored[column] = item[name]

    @property
    def path(self) -> str:
        return f"/v1/{self.versions.collection}"


def _value(column: str, number: int) -> Any:
    return number if column == "b" else f"{column}{number}"


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    """At full scale every change in every order; else all changes at once, in one."""
    ledger, verdict, cases = Ledger(), Verdict(), 0
    broken: list[str] = []
    for change, up, down in _cases(scale):
        cases += 1
        world = World(Versions(stack, f"parcels{next(_ROUNDS)}"), ledger, stack.ready["token"])
        try:
            await _there_and_back(world, stack, CHANGES[change], up, down)
        finally:
            for load in world.loads:
                await load.cancel()
            world.versions.end()
        named = f"{change}, {'-'.join(up)}, {'-'.join(down)}"
        verdict.lost += [f"{named}: {each}" for each in await _lost(stack, world)]
        broken += [f"{named}: {each}" for each in world.wrong]
    verdict.batches = len(ledger.sent)
    verdict.stuck += [sent.key for sent in ledger.sent if sent.state is None]
    verdict.lost += [f"{sent.key}: {sent.state}" for sent in ledger.sent if sent.state == "failed"]
    result = Result("15 upgrades", f"{cases} there and back", verdict, broken=broken)
    result.expect_converged(ledger)
    result.expect(not ledger.without_retry_after, "a 503 without Retry-After")
    return result


def _cases(scale: Scale) -> list[tuple[str, Order, Order]]:
    if scale.upgrades == 1:
        return [("all", ("api", "migrate", "worker"), ("worker", "api"))]
    orders = list(zip(_UP, itertools.cycle(_DOWN), strict=False))
    return [(change, up, down) for change in CHANGES for up, down in orders][: scale.upgrades]


async def _there_and_back(
    world: World, stack: Stack, after: Version, up: Order, down: Order
) -> None:
    parts = {"api": world.api(BEFORE), "worker": world.versions.worker(BEFORE)}
    if await world.versions.migrate(BEFORE):
        world.wrong.append("the first migration failed")
    loads = {"api": await _load(world, parts["api"])}
    for version, order in ((after, up), (BEFORE, down)):
        for part in order:
            await _change(world, parts, loads, part, version)
        if "migrate" in order and '"a"' in version.options:
            await _repeat(world, parts["api"])
    await loads["api"].end()
    await drained(stack.ready["databaseUrl"])


async def _change(
    world: World, parts: dict[str, Process], loads: dict[str, "_Load"], part: str, to: Version
) -> None:
    """Bring one part to a version, under load."""
    if part == "migrate":
        if await world.versions.migrate(to):
            world.wrong.append("a migration failed")
        return
    before = parts[part]
    if part == "worker":
        parts[part] = world.versions.worker(to)  # which takes longer to start than to end
        before.end()
        await asyncio.to_thread(before.process.wait, TIMEOUT)
        await loads["api"].backlog()
        return
    parts[part] = world.api(to)
    beside = await _load(world, parts[part])
    await loads["api"].end()
    loads["api"] = beside


class _Load:
    """Writers of one API, which send what its schema has, until they are stopped."""

    def __init__(self, world: World, api: Process, client: Client) -> None:
        self._world, self._version, self._client = world, api.version, client
        self._stop = asyncio.Event()
        self._tasks = [asyncio.create_task(self._write()) for _ in range(_WRITERS)]
        world.loads.append(self)

    async def end(self) -> None:
        """Stop, once everything that was begun is settled."""
        self._stop.set()
        await asyncio.gather(*self._tasks)
        await self._client.__aexit__(None, None, None)

    async def cancel(self) -> None:
        """Give up what is not settled, after an error."""
        await end(self._tasks)
        await self._client.__aexit__(None, None, None)

    async def backlog(self) -> None:
        """Have batches accepted that no worker is there for."""
        for _ in range(_BACKLOG):
            self._tasks.append(asyncio.create_task(self._save("return=minimal, wait=0")))

    async def _write(self) -> None:
        while not self._stop.is_set():
            items = await self._save("return=minimal")
            await self._patch([{**items[0], **self._others(items[0])}])

    async def _save(self, prefer: str) -> list[dict[str, Any]]:
        world, items = self._world, self._world.items(self._version)
        key = f"{world.versions.collection}-{items[0]['code']}"
        sent = await self._client.save(key, items, world.path, prefer)
        if sent.state == "committed":
            world.promise(self._version, items)
        elif sent.state == "refused":
            world.wrong.append(f"{key} was refused")
        return items

    async def _patch(self, items: list[dict[str, Any]]) -> None:
        """Change items until the answer is that they are; it does not matter how often."""
        async with asyncio.timeout(TIMEOUT):
            reply = await self._client.request("PATCH", self._world.path, items)
            while reply is None or reply.status != 200:
                if reply is not None and reply.status not in (202, 503):
                    self._world.wrong.append(f"PATCH: {reply.status} {reply.body}")
                    return
                await asyncio.sleep(POLL)
                reply = await self._client.request("PATCH", self._world.path, items)
        self._world.promise(self._version, items)

    def _others(self, item: dict[str, Any]) -> dict[str, Any]:
        """Another value for each field of an item."""
        number = next(self._world.numbers)
        return {name: _value(column, number) for name, column in self._version.columns.items()}


async def _load(world: World, api: Process) -> _Load:
    """Writers of an API, as soon as that is alive."""
    client = Client(api.url, world.token, world.ledger)
    await client.__aenter__()
    alive = await Client.request(client, "GET", "/healthz")
    async with asyncio.timeout(TIMEOUT):
        while alive is None or alive.status != 200:
            await asyncio.sleep(POLL)
            alive = await client.request("GET", "/healthz")
    return _Load(world, api, client)


async def _repeat(world: World, api: Process) -> None:
    """An item that repeats a unique value is that item's failure."""
    code, stored = next((code, each) for code, each in world.promised.items() if "a" in each)
    name = next(name for name, column in api.version.columns.items() if column == "a")
    items = [{"code": f"again-{code}", name: stored["a"]}]
    async with Client(api.url, world.token, world.ledger) as client, asyncio.timeout(TIMEOUT):
        reply = await client.request("POST", world.path, items)
        # It may not know for a moment that its table is migrated.
        while reply is not None and reply.status == 503:
            await asyncio.sleep(POLL)
            reply = await client.request("POST", world.path, items)
    if reply is None or reply.status != 422 or "40903" not in str(reply.body):
        world.wrong.append(f"a repeated value: {reply and reply.status} {reply and reply.body}")


async def _lost(stack: Stack, world: World) -> list[str]:
    """What is not stored as it was promised."""
    connection = await asyncpg.connect(stack.ready["databaseUrl"])
    try:
        rows = await connection.fetch(f"SELECT * FROM collections.{world.versions.collection}")
    finally:
        await connection.close()
    stored = {row["code"]: dict(row) for row in rows}
    return [
        f"{code}.{column}: {stored.get(code, {}).get(column)!r} in place of {value!r}"
        for code, values in world.promised.items()
        for column, value in values.items()
        if stored.get(code, {}).get(column) != value
    ]
