"""Processes of several schemas beside each other: every record keeps the meaning it was sent with.

The table is migrated for the wider schema. In each test, batches are accepted by one schema and
committed by a worker of another, as in an upgrade or a downgrade.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer
from marshmallow import Schema, fields
from structlog.testing import capture_logs

from ingest import Resource
from ingest.app import create_app
from ingest.resources.layout import layout_from
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from migrations.run import migrate
from tests.harness import Reply, Service, everything
from workers.settings import open_committer

pytestmark = pytest.mark.own_database


class Old(Schema):
    code = fields.String(required=True)
    name = fields.String(allow_none=True)
    tags = fields.List(fields.String())


class New(Schema):
    """A field before the others: those of `Old` are numbered differently."""

    age = fields.Integer(strict=True)
    code = fields.String(required=True)
    name = fields.String(allow_none=True, data_key="fullName")
    tags = fields.List(fields.String())


OLD = Registry([Resource("things", Old, key="code")])
NEW = Registry([Resource("things", New, key="code")])
UNIQUE = Registry([Resource("things", New, key="code", unique=["name", ("name", "age")])])
BY_AGE = Registry([Resource("things", New, key="code", unique=[("name", "age")])])
WAYS = [pytest.param(NEW, OLD, id="new API"), pytest.param(OLD, NEW, id="new worker")]
MERGE, REPLACE = "resolution=merge-duplicates", "resolution=replace"


class World:
    """A database, an API of one schema, and workers of any."""

    def __init__(self, settings: Settings, operator: Pool) -> None:
        self.settings = settings
        self.operator = operator

    async def migrate(self, registry: Registry) -> None:
        await asyncio.to_thread(migrate, self.settings.database_url, registry)

    @asynccontextmanager
    async def api(self, registry: Registry) -> AsyncIterator[Service]:
        _, token = await create_token(self.operator, "acme", "tests")
        server = TestServer(create_app(self.settings, registry))
        async with TestClient(server, auto_decompress=False) as client:
            yield Service(client, token)

    async def accepted(self, registry: Registry, *writes: tuple[str, str, Any]) -> list[UUID]:
        """Batches by (method, preferences, items), accepted and not committed."""
        found = []
        async with self.api(registry) as api:
            for method, prefer, items in writes:
                wanted = ", ".join(filter(None, ["wait=0", prefer]))
                reply = await api.request(method, "/v1/things", items, prefer=wanted)
                assert reply.status == 202, reply.body
                found.append(UUID(reply.body["metadata"]["batchId"]))
        return found

    async def commit(self, registry: Registry) -> None:
        async with open_committer(self.settings, registry) as committer:
            await committer.commit_pending("acme", "things")

    async def outcome(self, registry: Registry, batch: UUID) -> Reply:
        async with self.api(registry) as api:
            shown = (await api.get(f"batches/{batch}")).body["data"]
        response = shown["response"]
        return Reply(response["status"], {}, response["body"] | {"failures": shown["failures"]})

    async def rows(self) -> dict[str, dict[str, Any]]:
        """What is stored, by key."""
        async with self.operator.connection() as connection:
            rows = await connection.fetch("SELECT * FROM collections.things")
        return {row["code"]: dict(row) for row in rows}

    async def states(self, batches: Sequence[UUID]) -> list[tuple[str, int]]:
        async with self.operator.connection() as connection:
            rows = await connection.fetch("SELECT id, state, attempts FROM ingest.batches")
        found = {row["id"]: (row["state"], row["attempts"]) for row in rows}
        return [found[batch] for batch in batches]

    async def run(self, statement: str) -> None:
        async with self.operator.connection() as connection:
            await connection.execute(statement)


@pytest.fixture
async def world(settings: Settings, operator: Pool) -> World:
    world = World(settings, operator)
    await world.migrate(NEW)
    return world


def item(registry: Registry, code: str, name: str, age: int) -> dict[str, Any]:
    """An item as clients of either schema send it."""
    sent: dict[str, Any] = {"code": code, "tags": [name]}
    return sent | ({"fullName": name, "age": age} if registry is not OLD else {"name": name})


def stored(registry: Registry, name: str | None, age: int | None) -> tuple[str | None, int | None]:
    return name, (age if registry is not OLD else None)


def of(row: dict[str, Any]) -> tuple[str | None, int | None]:
    return row["name"], row["age"]


@pytest.mark.parametrize("unmarked", [False, True])
@pytest.mark.parametrize(("api", "worker"), WAYS)
async def test_every_value_is_saved(
    world: World, api: Registry, worker: Registry, unmarked: bool
) -> None:
    """Created, changed in part, and upserted: also of batches that carry no layout."""
    created = await world.accepted(
        api,
        ("POST", "return=minimal", [item(api, code, "x", 1) for code in "ab"]),
        ("POST", "", [item(api, "c", "x", 1)]),
    )
    if unmarked:
        await world.run("UPDATE ingest.batches SET layout = NULL")
    await world.commit(worker)
    assert [(await world.outcome(api, batch)).status for batch in created] == [201, 201]
    rows = await world.rows()
    assert [of(rows[code]) for code in "abc"] == [stored(api, "x", 1)] * 3
    shown = (await world.outcome(api, created[1])).body["data"]
    assert shown == [{**item(api, "c", "x", 1)}]
    await world.run("UPDATE collections.things SET age = 7, name = 'before'")
    name = "name" if api is OLD else "fullName"
    changed = await world.accepted(
        api,
        ("PATCH", "return=minimal", [{"code": "a", name: "patched"}]),
        (
            "POST",
            f"return=minimal, {MERGE}",
            [{"code": "b", name: "merged"}, item(api, "d", "y", 2)],
        ),
    )
    if unmarked:
        await world.run("UPDATE ingest.batches SET layout = NULL WHERE state = 'accepted'")
    await world.commit(worker)
    assert [(await world.outcome(api, batch)).status for batch in changed] == [200, 201]
    rows = await world.rows()
    assert [of(rows[code]) for code in "abcd"] == [
        ("patched", 7),
        ("merged", 7),
        ("before", 7),
        stored(api, "y", 2),
    ]
    assert [rows[code]["tags"] for code in "abd"] == ['["x"]', '["x"]', '["y"]']


@pytest.mark.parametrize(("api", "worker"), WAYS)
async def test_a_replaced_item_keeps_what_its_schema_does_not_know(
    world: World, api: Registry, worker: Registry
) -> None:
    await world.accepted(api, ("POST", "", [item(api, "a", "x", 1)]))
    await world.commit(api)
    await world.run("UPDATE collections.things SET age = 7")
    await world.accepted(api, ("POST", REPLACE, [{"code": "a"}]))
    await world.commit(worker)
    rows = await world.rows()
    assert of(rows["a"]) == (None, 7 if api is OLD else None)
    assert rows["a"]["tags"] is None


async def test_failures_have_the_names_that_their_clients_use(world: World) -> None:
    await world.accepted(NEW, ("POST", "", [item(NEW, "a", "x", 1)]))
    await world.commit(NEW)
    (batch,) = await world.accepted(NEW, ("POST", "", [item(NEW, "a", "x", 1)]))
    await world.commit(OLD)
    outcome = await world.outcome(NEW, batch)
    assert outcome.codes == {0: [(40903, "code")]}
    assert outcome.body["failures"][0]["rawData"] == item(NEW, "a", "x", 1)


@pytest.mark.parametrize(
    ("api", "worker"),
    [
        pytest.param(OLD, OLD, id="both old"),
        pytest.param(OLD, UNIQUE, id="old API"),
        pytest.param(NEW, OLD, id="old worker"),
    ],
)
async def test_what_has_become_unique_is_its_items_failure(
    world: World, api: Registry, worker: Registry
) -> None:
    await world.migrate(UNIQUE)
    first, second, behind = await world.accepted(
        api,
        ("POST", "", [item(api, "a", "x", 1)]),
        ("POST", "", [item(api, "b", "x", 1)]),
        ("POST", "", [item(api, "c", "y", 1)]),
    )
    await world.commit(worker)
    assert [(await world.outcome(api, each)).status for each in (first, behind)] == [201, 201]
    refused = await world.outcome(api, second)
    name = "name" if api is OLD else "fullName"
    assert (refused.status, refused.codes[0][0]) == (422, (40903, name))
    (patch,) = await world.accepted(api, ("PATCH", "", [{"code": "c", name: "x"}]))
    await world.commit(worker)
    assert (await world.outcome(api, patch)).codes[0][0] == (40903, name)


async def test_an_attribute_is_unique_together_with_what_the_items_lack(world: World) -> None:
    """Old clients change one of two fields, the other of which they do not know."""
    await world.migrate(BY_AGE)
    await world.accepted(BY_AGE, ("POST", "", [item(NEW, "a", "x", 1), item(NEW, "b", "y", 1)]))
    await world.commit(BY_AGE)
    taken, free = await world.accepted(
        OLD,
        ("PATCH", "", [{"code": "b", "name": "x"}]),
        ("PATCH", "", [{"code": "b", "name": "z"}]),
    )
    await world.commit(OLD)
    assert (await world.outcome(OLD, taken)).codes == {0: [(40903, "name,age")]}
    assert (await world.outcome(OLD, free)).status == 200
    assert of((await world.rows())["b"]) == ("z", 1)


async def test_what_cannot_be_applied_waits_and_is_in_no_others_way(world: World) -> None:
    """Of a layout whose column is missing, of one that is not known, and of another format."""
    waiting = await world.accepted(NEW, ("POST", "", [item(NEW, "a", "x", 1)]))
    behind = await world.accepted(OLD, *(("POST", "", [item(OLD, c, "x", 1)]) for c in "bc"))
    await world.run("ALTER TABLE collections.things RENAME COLUMN age TO years")
    async with open_committer(world.settings, OLD) as committer:
        with capture_logs() as lines:
            for _ in range(3):
                await committer.commit_pending("acme", "things")
        assert await world.states([*waiting, *behind]) == [("accepted", 0), *[("committed", 0)] * 2]
        warned = [line for line in lines if line["log_level"] == "warning"]
        assert [line["cause"] for line in warned] == ["not migrated: lacks collections.things.age"]
    await world.run("ALTER TABLE collections.things RENAME COLUMN years TO age")
    await world.commit(OLD)
    assert of((await world.rows())["a"]) == ("x", 1)
    waiting = await world.accepted(OLD, *(("POST", "", [item(OLD, c, "x", 1)]) for c in "de"))
    await world.run(f"UPDATE ingest.batches SET layout = 'gone' WHERE id = '{waiting[0]}'")
    await world.run(
        f"""UPDATE ingest.batches SET layout = 'later' WHERE id = '{waiting[1]}';
        INSERT INTO ingest.layouts VALUES ('later', 'things', '{{"format": 2}}')"""
    )
    behind = await world.accepted(OLD, ("POST", "", [item(OLD, "f", "x", 1)]))
    await world.commit(OLD)
    assert await world.states([*waiting, *behind]) == [
        ("accepted", 0),
        ("accepted", 0),
        ("committed", 0),
    ]


async def test_batches_that_only_the_version_before_can_read_wait_alone(world: World) -> None:
    """Without a layout, a whole item of another schema does not say which fields it has."""
    waiting = await world.accepted(OLD, ("POST", REPLACE, [{"code": "a"}]))
    behind = await world.accepted(OLD, ("POST", "", [item(OLD, "b", "x", 1)]))
    await world.run("UPDATE ingest.batches SET layout = NULL")
    await world.commit(NEW)
    assert await world.states([*waiting, *behind]) == [("accepted", 0), ("committed", 0)]
    await world.commit(OLD)
    assert await world.states(waiting) == [("committed", 0)]


async def test_workers_of_the_version_before_take_only_what_that_has_accepted(
    world: World,
) -> None:
    marked, unmarked = await world.accepted(
        NEW, *(("POST", "", [item(NEW, code, "x", 1)]) for code in "ab")
    )
    await world.run(f"UPDATE ingest.batches SET layout = NULL WHERE id = '{unmarked}'")
    async with world.operator.connection() as connection:
        taken = await connection.fetch("SELECT id FROM ingest.take_waiting('acme', 'things', 9)")
        found = await connection.fetch("SELECT * FROM ingest.unfinished_batches('0', 9)")
        await connection.execute("UPDATE ingest.batches SET attempts = 1")
        alone = await connection.fetch("SELECT id FROM ingest.unfinished_batches('0', 9)")
    assert [row["id"] for row in taken] == [unmarked]
    assert len(found) == 1
    assert [row["id"] for row in alone] == [unmarked]
    assert marked != unmarked


async def test_no_write_is_taken_before_the_migration(settings: Settings, operator: Pool) -> None:
    world = World(settings, operator)
    await world.migrate(OLD)
    async with world.api(UNIQUE) as api:
        for method, query in (("POST", ""), ("PATCH", ""), ("POST", "?dryRun=true")):
            reply = await api.request(method, f"/v1/things{query}", [item(NEW, "a", "x", 1)])
            assert (reply.status, reply.error) == (503, (50301, "unavailable"))
            assert int(reply.headers["Retry-After"]) > 0
        ready = await api.request("GET", "/readyz")
        assert ready.status == 503
        assert ready.body["checks"]["database"] == (
            "not migrated: lacks collections.things.age, collections.things(name), "
            "collections.things(name,age); run `ingest migrate`"
        )
        async with operator.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM ingest.batches") == 0
        await world.migrate(UNIQUE)
        async with asyncio.timeout(10):
            while reply.status == 503:
                reply = await api.post("things", [item(NEW, "a", "x", 1)], prefer="wait=0")
        assert reply.status == 202


def test_a_layout_is_what_its_document_says() -> None:
    for resource in (*UNIQUE.values(), *OLD.values(), everything):
        read = layout_from(resource.document)
        assert (read.document, read.fingerprint) == (resource.document, resource.fingerprint)
    prints = {registry["things"].fingerprint for registry in (OLD, NEW, UNIQUE, BY_AGE)}
    assert len(prints) == 4
