"""The service alone, with its database and a load generator: what its own experiments share."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

from benchmarks.contestants import MAX_WAIT
from benchmarks.load import Generator, Load, Sent
from benchmarks.samples import PEOPLE
from benchmarks.stack import Database, Servers, Service, run_service
from benchmarks.usage import Meter

_serials = count(1)


@dataclass(frozen=True, slots=True)
class Measured:
    """One load, what it cost, and whether every row of it is there.

    Args:
        cpu: seconds of processor time by part, the client's included.
        peaks: bytes of memory by part.
        rows: that it added or removed; None where they were not counted.
    """

    sent: Sent
    cpu: dict[str, float]
    peaks: dict[str, int]
    rows: int | None

    @property
    def items_per_second(self) -> float:
        return self.sent.items / self.sent.seconds

    @property
    def cpu_microseconds(self) -> dict[str, float]:
        """Of one item, by part."""
        return {part: 1e6 * used / max(self.sent.items, 1) for part, used in self.cpu.items()}

    @property
    def void(self) -> bool:
        return bool(self.sent.errors) or self.rows not in (None, self.sent.items)


@dataclass(frozen=True, slots=True)
class Session:
    """A running service, empty at first."""

    servers: Servers
    service: Service
    database: Database
    generator: Generator

    def load(
        self,
        size: int,
        clients: int,
        requests: int,
        *,
        serial: str = "",
        prefer: str = f"return=minimal, wait={MAX_WAIT}",
        content_type: str = "application/json",
        **more: Any,
    ) -> Load:
        """What clients send; every address in it is new unless `serial` is one that was used."""
        return Load(
            kind="json",
            target=str(self.service.port),
            serial=serial or f"t{next(_serials)}",
            size=size,
            clients=clients,
            requests=requests,
            headers={"Prefer": prefer, "Content-Type": content_type},
            **{"path": f"/v1/{PEOPLE}", "tokens": self.service.tokens[:1], **more},
        )

    async def empty(self) -> None:
        """Remove what is stored."""
        await self.database.empty_service()
        await self.database.checkpoint()

    async def run(self, load: Load, seconds: float, *, counted: bool = True) -> Measured:
        """Send a load, and measure what it costs."""
        before = await self.database.count() if counted else 0
        await self.generator.prepare(load)
        meter = Meter(self.service.parts | self.servers.parts)
        sent = await self.generator.run(seconds)
        cpu = {"client": sent.cpu_seconds, **meter.cpu()}
        peaks = meter.peaks()
        rows = abs(await self.database.count() - before) if counted else None
        return Measured(sent, cpu, peaks, rows)


@asynccontextmanager
async def serve(servers: Servers, **options: Any) -> AsyncIterator[Session]:
    """The service, with the options of `run_service`."""
    database = await Database.connect(servers.database_url())
    try:
        with run_service(servers, **options) as service:
            await database.empty_service()
            async with Generator() as generator:
                yield Session(servers, service, database, generator)
    finally:
        await database.connection.close()


@asynccontextmanager
async def sampling(sample: Callable[[], Any], every: float) -> AsyncIterator[list[dict[str, Any]]]:
    """Collect samples while the block runs; each carries its `second` since the start."""
    samples: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def collect() -> None:
        while True:
            second = round(loop.time() - began, 2)
            samples.append({"second": second, **await sample()})
            await asyncio.sleep(every)

    task = asyncio.create_task(collect())
    try:
        yield samples
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
