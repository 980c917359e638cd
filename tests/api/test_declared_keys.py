"""Keys that schemas declare themselves, as clients see them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer
from marshmallow import Schema, fields

from ingest import Resource
from ingest.app import create_app
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.pool import open_pool
from ingest.store.tokens import create_token
from migrations.run import migrate
from tests.harness import Service
from workers.settings import open_committer, running_worker


def keyed(name: str, key: fields.Field[Any]) -> Resource:
    schema = Schema.from_dict({"id": key, "name": fields.String(required=True)})
    return Resource(name, schema, unique="name")


OWN_REGISTRY = Registry(
    [
        keyed("numbered", fields.Integer(dump_only=True)),
        keyed("made", fields.UUID(dump_only=True)),
        keyed("open", fields.UUID()),
    ]
)
KEY = "00000000-0000-7000-8000-000000000001"
MERGE = "resolution=merge-duplicates"


@pytest.fixture
async def own(empty_database: str, redis_url: str) -> AsyncIterator[Service]:
    await asyncio.to_thread(migrate, empty_database, OWN_REGISTRY)
    settings = Settings(database_url=empty_database, redis_url=redis_url, poll_delay=0.005)
    async with open_pool(settings, role=None) as operator:
        _, token = await create_token(operator, "acme", "t")
    async with (
        open_committer(settings, OWN_REGISTRY) as committer,
        running_worker(committer),
        TestClient(TestServer(create_app(settings, OWN_REGISTRY))) as client,
    ):
        yield Service(client, token)


async def test_a_dump_only_integer_is_numbered_in_the_order_of_the_items(own: Service) -> None:
    items = [{"name": f"n{number}"} for number in range(20)]
    made = await own.post("numbered", items, idempotency_key="k")
    assert made.status == 201, made.body
    ids = [item["id"] for item in made.body["data"]]
    assert ids == sorted(set(ids))
    assert all(type(each) is int for each in ids)
    assert (await own.get("numbered")).body["data"] == made.body["data"]
    again = await own.post("numbered", items, idempotency_key="k", prefer="replay=return")
    assert again.body["data"] == made.body["data"]


async def test_a_numbered_item_is_read_changed_and_deleted_by_its_number(own: Service) -> None:
    [first] = (await own.post("numbered", [{"name": "a"}])).body["data"]
    key = first["id"]
    assert (await own.get(f"numbered/{key}")).body["data"] == first
    changed = await own.patch("numbered", [{"id": key, "name": "b"}])
    assert changed.body["data"] == [{"id": key, "name": "b"}]
    assert (await own.delete("numbered", [key])).status == 200
    assert (await own.get(f"numbered/{key}")).status == 404


async def test_matching_creates_with_a_number_and_keeps_it(own: Service) -> None:
    path = "/v1/numbered?matching=name"
    created = await own.request("POST", path, [{"name": "a"}], prefer=MERGE)
    assert created.body["metadata"]["outcomes"] == ["created"], created.body
    both = await own.request("POST", path, [{"name": "a"}, {"name": "b"}], prefer=MERGE)
    assert both.body["metadata"]["outcomes"] == ["unchanged", "created"], both.body
    assert both.body["data"][0] == created.body["data"][0]


async def test_a_dry_run_shows_no_number(own: Service) -> None:
    dry = await own.post("numbered?dryRun=true", [{"name": "a"}])
    assert (dry.status, dry.body["metadata"]["created"]) == (200, 1)
    assert "data" not in dry.body


@pytest.mark.parametrize(
    ("collection", "key"),
    [
        ("numbered", 7),
        ("made", KEY),
    ],
)
async def test_clients_do_not_send_a_key_that_is_only_shown(
    own: Service, collection: str, key: Any
) -> None:
    refused = await own.post(collection, [{"id": key, "name": "a"}])
    assert refused.codes == {0: [(42208, "id")]}


async def test_a_uuid_is_made_where_an_item_has_none(own: Service) -> None:
    for collection in ("made", "open"):
        [item] = (await own.post(collection, [{"name": "a"}])).body["data"]
        assert UUID(item["id"]).version == 7
    sent = await own.post("open", [{"id": KEY, "name": "b"}])
    assert sent.body["data"] == [{"id": KEY, "name": "b"}]
