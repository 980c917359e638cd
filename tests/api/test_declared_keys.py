"""Keys that schemas declare themselves, as clients see them."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from marshmallow import Schema, fields

from ingest import Resource
from ingest.settings import Settings
from tests.api.declared import serving
from tests.api.streaming import lines, stream
from tests.harness import Service


def keyed(name: str, key: fields.Field[Any]) -> Resource:
    schema = Schema.from_dict({"id": key, "name": fields.String(required=True)})
    return Resource(name, schema, unique="name")


OWN = (
    keyed("numbered", fields.Integer(dump_only=True)),
    keyed("made", fields.UUID(dump_only=True)),
    keyed("open", fields.UUID()),
)
KEY = "00000000-0000-7000-8000-000000000001"
MERGE = "resolution=merge-duplicates"


@pytest.fixture
def settings(empty_database: str, redis_url: str) -> Settings:
    return Settings(database_url=empty_database, redis_url=redis_url, poll_delay=0.005)


@pytest.fixture
async def own(settings: Settings) -> AsyncIterator[Service]:
    async with serving(settings, *OWN) as service:
        yield service


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


async def test_a_stream_numbers_its_items_in_their_order(own: Service) -> None:
    body = lines({"name": f"n{number}"} for number in range(3_000))
    made = await stream(own, body, "numbered", prefer="return=minimal")
    assert (made.status, made.body["metadata"]["created"]) == (201, 3_000), made.body
    stored = (await own.get("numbered?limit=1000")).body["data"]
    ids = [item["id"] for item in stored]
    assert len(set(ids)) == 1_000
    assert [item["name"] for item in stored] == [f"n{number}" for number in range(1_000)]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/csv", b"name\na\nb\n"),
        (
            "application/xml",
            b"<items><item><name>a</name></item><item><name>b</name></item></items>",
        ),
        ("application/yaml", b"- name: a\n- name: b\n"),
    ],
)
async def test_every_format_leaves_the_number_to_the_database(
    own: Service, content_type: str, body: bytes
) -> None:
    made = await stream(own, body, "numbered", content_type=content_type)
    assert made.status == 201, made.body
    assert [item["name"] for item in made.body["data"]] == ["a", "b"]
    assert all(type(item["id"]) is int for item in made.body["data"])


async def test_numbers_go_on_after_a_restart_and_with_a_new_field(settings: Settings) -> None:
    numbered = OWN[0]
    async with serving(settings, numbered) as service:
        [first] = (await service.post("numbered", [{"name": "a"}])).body["data"]
    fuller = Resource(
        "numbered",
        Schema.from_dict(
            {
                "id": fields.Integer(dump_only=True),
                "name": fields.String(required=True),
                "colour": fields.String(),
            }
        ),
        unique="name",
    )
    async with serving(settings, fuller) as service:
        [second] = (await service.post("numbered", [{"name": "b", "colour": "red"}])).body["data"]
        assert second["id"] > first["id"]
        assert (await service.get(f"numbered/{first['id']}")).body["data"]["name"] == "a"
