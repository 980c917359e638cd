"""The chaos experiments in short, and proof that the harness is not blind.

`make chaos` runs them at full scale. Every result is judged by what PostgreSQL holds afterwards.
"""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from random import Random

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from tests.chaos.checks import verify
from tests.chaos.client import Client, Ledger
from tests.chaos.faults import Point
from tests.chaos.load import client_of, deals, new_prefix, send
from tests.chaos.plan import CRASHING, PLAIN, Experiment, named
from tests.chaos.scale import API_POINTS, COMMON, SHORT, WORKER_POINTS, crashes
from tests.chaos.stack import ROOT, Stack
from tests.databases import execute

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]
SEED = 1


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """One real stack for the experiments that need no planned faults."""
    async with Stack(tmp_path_factory.mktemp("chaos"), api=2, workers=3, **COMMON) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crashing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A stack whose processes crash at every fault point now and then."""
    often = (crashes(API_POINTS, 0.015), crashes(WORKER_POINTS, 0.03))
    stack = Stack(
        tmp_path_factory.mktemp("chaos"),
        api=2,
        workers=2,
        faults=",".join(often),
        seed=SEED,
        **COMMON,
    )
    async with stack:
        yield stack


@pytest.mark.parametrize("experiment", PLAIN, ids=named)
async def test_the_promises_hold(stack: Stack, experiment: Experiment) -> None:
    result = await experiment(stack, SHORT, Random(f"{SEED}/{named(experiment)}"))
    assert result.complaints() == []
    assert result.verdict.batches > 0


@pytest.mark.parametrize("experiment", CRASHING, ids=named)
async def test_the_promises_hold_where_processes_crash(
    crashing: Stack, experiment: Experiment
) -> None:
    result = await experiment(crashing, SHORT, Random(f"{SEED}/{named(experiment)}"))
    assert result.complaints() == []
    assert crashing.faults(), "nothing crashed"


async def _is_ready(client: Client) -> bool:
    reply = await client.request("GET", "/readyz")
    return reply is not None and reply.status == 200


async def test_readiness_notices_a_frozen_database(stack: Stack) -> None:
    async with client_of(stack, Ledger()) as client:
        stack.freeze_database(signal.SIGSTOP)
        try:
            began = time.monotonic()
            frozen = await client.request("GET", "/readyz")
            seconds = time.monotonic() - began
        finally:
            stack.freeze_database(signal.SIGCONT)
        assert frozen is not None
        assert (frozen.status, frozen.body["checks"]["database"]) == (503, "does not answer")
        assert seconds < 8  # it waits for two; the pool would for ten
        async with asyncio.timeout(30):
            while not await _is_ready(client):  # noqa: ASYNC110 - it happens elsewhere
                await asyncio.sleep(0.05)


class Careless:
    """A stack whose workers are replaced by two that lack some of their locks."""

    def __init__(self, stack: Stack, *locks: str) -> None:
        self.stack = stack
        self.locks = locks

    async def __aenter__(self) -> None:
        # Both get every batch at once, and hold it long enough to meet.
        settings = {
            "INGEST_SWEEP_AFTER": "0.01",
            "INGEST_SWEEP_INTERVAL": "0.02",
        }
        for number in range(2):
            stalls = self.stack.suffering("before_commit=stall:0.2@0.5", number)
            command = ["-m", "tests.chaos.careless_worker", *self.locks]
            self.stack.hire(command, {**settings, **stalls})
        self.stack.send_all("worker", signal.SIGSTOP)

    async def __aexit__(self, *_: object) -> None:
        self.stack.send_all("worker", signal.SIGCONT)
        self.stack.dismiss()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doomed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A stack for what cannot be undone; no test relies on what another has left whole.

    It has a fault at every point, which does no harm and is logged.
    """
    harmless = ",".join(f"{point}=stall:0" for point in Point)
    folder = tmp_path_factory.mktemp("doomed")
    async with Stack(folder, api=2, workers=1, faults=harmless, **COMMON) as running:
        yield running


async def test_every_fault_point_is_reached(doomed: Stack) -> None:
    prefix = new_prefix("points")
    async with client_of(doomed, Ledger()) as client:
        await client.save(prefix, deals(prefix, 5))
    assert set(doomed.faults()) == set(Point)


async def test_a_function_that_is_gone_stops_the_process() -> None:
    program = (
        "import tests.chaos.injection as injection; from tests.chaos.faults import Faults; "
        "injection.TARGETS = (injection.Target('ingest.store.staging', 'gone'),); "
        "injection.install(Faults()); import ingest.store.staging"
    )
    ended = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, cwd=ROOT, stderr=subprocess.PIPE
    )
    _, complaints = await ended.communicate()
    assert b"LookupError: ingest.store.staging has no coroutine function gone" in complaints
    assert ended.returncode == 1


async def test_the_harness_sees_a_second_batch_of_a_key(doomed: Stack) -> None:
    """Negative control: without the unique index on the key, Redis alone does not suffice."""
    url, prefix, ledger = doomed.ready["databaseUrl"], new_prefix("twice"), Ledger()
    await execute(url, "DROP INDEX ingest.batches_idempotency_key")
    redis = Redis.from_url(doomed.ready["redisUrl"])
    async with client_of(doomed, ledger) as client:
        for number in range(3):
            key = f"{prefix}{number}"
            await client.save(key, deals(key, 5))
            await redis.flushall()
            await client.request("POST", "/v1/deals", deals(key, 5), Idempotency_Key=key)
    await redis.aclose()
    verdict = await verify(url, ledger, prefix)
    assert len(verdict.doubled) == 3
    assert not verdict.clean


async def test_the_harness_sees_what_a_missing_row_lock_does(doomed: Stack) -> None:
    """Negative control: a batch that is applied again flips from committed to failed."""
    prefix, ledger = new_prefix("unlocked"), Ledger()
    async with Careless(doomed, "batch"), client_of(doomed, ledger, within=20) as client:
        await send(client, prefix, 20, writers=4)
    verdict = await verify(doomed.ready["databaseUrl"], ledger, prefix)
    assert verdict.lost
    assert not verdict.clean


async def test_the_harness_sees_items_that_are_stored_twice(doomed: Stack) -> None:
    """Negative control: without the table's primary key and every lock, rows are doubled."""
    url, prefix, ledger = doomed.ready["databaseUrl"], new_prefix("rows"), Ledger()
    await execute(url, "ALTER TABLE collections.deals DROP CONSTRAINT deals_pkey")
    locks = ("batch", "collection")
    async with Careless(doomed, *locks), client_of(doomed, ledger, within=20) as client:
        await send(client, prefix, 20, writers=4)
    verdict = await verify(url, ledger, prefix)
    assert verdict.doubled
    assert not verdict.clean
