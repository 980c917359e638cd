"""The load generator: a process of its own, driven by lines of JSON.

    python -m benchmarks.load

It makes all bodies before the clock starts, so that what runs inside the clock is little more than
sockets; its own processor time is measured as well. `Load` is what to prepare; `Generator`
is the handle of the process that measures.
"""

import asyncio
import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import asyncpg
import uvloop

from benchmarks.clients import Client, Tally, connect_clients
from benchmarks.samples import PEOPLE
from benchmarks.stack import ROOT, clean_environment

TIMEOUT = 300.0
"""Seconds after which a load that does not end is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What clients send.

    Args:
        kind: requests with JSON arrays, Kinto's batches, or binary COPY without any server of ours.
        target: the port of 127.0.0.1, or the database's URL for COPY.
        sample: the collection of what is sent.
        serial: makes every key and address of this load unique in the whole run.
        requests: how many bodies there are; the load ends when they are used up.
        tokens: of the service; requests take them in turns.
        fields, edition: as in `Sample.items`.
        every: only items of every so manyth number.
        keys: whether each request has an idempotency key, its own.
        per_second: send at this pace whatever the answers are; 0 sends as answers come.
        stream: make each body when it is sent (for long loads), and not before the clock starts.
        patient: whether a refusal (503) is sent again after its Retry-After, as clients should.
    """

    kind: Literal["json", "kinto", "copy"]
    target: str
    serial: str
    size: int
    clients: int
    requests: int
    method: str = "POST"
    path: str = ""
    sample: str = PEOPLE
    fields: tuple[str, ...] = ()
    edition: int = 0
    every: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    tokens: Sequence[str] = ()
    keys: bool = False
    bad: bool = False
    first: int = 0
    per_second: float = 0.0
    stream: bool = False
    patient: bool = True

    def numbers(self, place: int) -> range:
        """Of the items in the body of this place."""
        first = self.first + place * self.size * self.every
        return range(first, first + self.size * self.every, self.every)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a load. Times in seconds, latencies in milliseconds.

    Args:
        items: that were acknowledged as saved (or accepted, where the client asked for that).
        refused: answers with 503; `retry_after` has the least and the greatest seconds that they
            asked for, 0 for one that did not say, and nothing without refusals.
        timeline: for each second, requests by status and the median and greatest latency.
    """

    seconds: float
    cpu_seconds: float
    requests: int
    items: int
    refused: int
    retry_after: list[float]
    p50: float
    p99: float
    errors: list[str]
    timeline: list[dict[str, Any]]


class Generator:
    """The load generator's process, seen from the process that measures."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "Generator":
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.load",
            cwd=ROOT,
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            limit=64 * 2**20,
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            try:
                await asyncio.wait_for(self._process.wait(), 10)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    async def prepare(self, load: Load) -> None:
        """Make the bodies and connect the clients."""
        await self._call({"prepare": asdict(load)}, TIMEOUT)

    async def run(self, seconds: float) -> Sent:
        """Send for so long, then wait for the requests under way."""
        return Sent(**await self._call({"run": seconds}, seconds + 2 * TIMEOUT))

    async def _call(self, command: dict[str, Any], at_most: float) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the load generator does not run")
        process.stdin.write(json.dumps(command).encode() + b"\n")
        line = await asyncio.wait_for(process.stdout.readline(), at_most)
        if not line:
            raise RuntimeError("the load generator ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


async def send_bodies(
    client: Client, places: Iterator[int], load: Load, end: float, tally: Tally
) -> None:
    """Send, with one client, the next body that no other client has taken, until `end`."""
    began = tally.began
    for place in places:
        if load.per_second:
            due = began + place / load.per_second
            if max(due, time.perf_counter()) >= end:
                return
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
        elif time.perf_counter() >= end and place >= load.clients:
            return
        await client.send(place, tally)


async def _run(load: Load, clients: list[Client], seconds: float) -> Sent:
    gc.collect()
    gc.freeze()
    gc.disable()
    places = iter(range(load.requests))
    tally = Tally(time.perf_counter())
    cpu = time.process_time()
    try:
        async with asyncio.timeout(seconds + TIMEOUT), asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(send_bodies(client, places, load, tally.began + seconds, tally))
    except* (OSError, TimeoutError, asyncpg.PostgresError) as errors:
        tally.errors += [f"{type(error).__name__}: {error}" for error in errors.exceptions]
    took = max(tally.ended - tally.began, 1e-9)
    cpu = time.process_time() - cpu
    gc.enable()
    gc.unfreeze()
    return Sent(
        seconds=took,
        cpu_seconds=cpu,
        requests=len(tally.answers),
        items=tally.items,
        refused=tally.refused,
        retry_after=[min(tally.retry_after), max(tally.retry_after)] if tally.refused else [],
        p50=tally.percentile(0.50),
        p99=tally.percentile(0.99),
        errors=tally.errors[:5],
        timeline=tally.timeline(),
    )


async def _serve() -> None:
    """Answer commands from standard input until it ends."""
    clients: list[Client] = []
    load: Load | None = None
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        answer: dict[str, Any] = {}
        if "prepare" in command:
            load = Load(**command["prepare"])
            clients = await connect_clients(load)
        elif load is not None:
            answer = asdict(await _run(load, clients, command["run"]))
            for client in clients:
                await client.close()
            clients = []
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(_serve())
