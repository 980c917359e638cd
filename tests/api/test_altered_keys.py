"""Keys that a schema would load as another value: they find no item, however they are sent."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from marshmallow import Schema, fields, pre_load

from ingest import Resource
from ingest.settings import Settings
from tests.api.declared import serving
from tests.api.streaming import lines, stream
from tests.harness import Service

MERGE = "resolution=merge-duplicates"


class Counted(Schema):
    key = fields.Integer(required=True)
    code = fields.Integer()
    name = fields.String()


class Trimmed(Counted):
    @pre_load
    def trim(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {name.strip(): value for name, value in data.items()}


class Rounded(Counted):
    @pre_load
    def round_key(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**data, "key": round(data["key"])}


@pytest.fixture
async def service(empty_database: str, redis_url: str) -> AsyncIterator[Service]:
    settings = Settings(database_url=empty_database, redis_url=redis_url, poll_delay=0.005)
    resources = (
        Resource("counted", Counted, key="key", unique="code"),
        Resource("trimmed", Trimmed, key="key", unique="code"),
        Resource("rounded", Rounded, key="key"),
    )
    async with serving(settings, *resources) as served:
        for resource in resources:
            made = await served.post(resource.name, [{"key": 1, "code": 1, "name": "kept"}])
            assert made.status == 201, made.body
        yield served


@pytest.mark.parametrize("collection", ["counted", "trimmed"])
@pytest.mark.parametrize("path", ["", "?dryRun=true"])
async def test_an_altered_key_selects_nothing(service: Service, collection: str, path: str) -> None:
    change = [{"key": 1.5, "name": "lost"}]
    wrong = {0: [(42203, "key")]}
    target = f"/v1/{collection}{path}"
    assert (await service.request("PATCH", target, change)).codes == wrong
    assert (await service.request("POST", target, change, prefer=MERGE)).codes == wrong
    assert (await service.request("DELETE", target, [{"key": 1.5}])).codes == wrong
    assert (await service.request("DELETE", target, [1.5])).codes == wrong
    assert (await stream(service, lines(change), f"{collection}{path}", "PATCH")).codes == wrong
    assert (await service.get(f"{collection}/1")).body["data"]["name"] == "kept"


@pytest.mark.parametrize("collection", ["counted", "trimmed"])
async def test_an_altered_value_to_match_by_selects_nothing(
    service: Service, collection: str
) -> None:
    path = f"/v1/{collection}?matching=code"
    wrong = {0: [(42203, "code")]}
    refused = await service.request("PATCH", path, [{"code": 1.5, "name": "lost"}])
    assert refused.codes == wrong
    refused = await service.request("DELETE", path, [{"code": 1.5}])
    assert refused.codes == wrong
    assert (await service.get(f"{collection}/1")).body["data"]["name"] == "kept"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/yaml", b"- key: 1.5\n  name: lost\n"),
        ("text/csv", b"key,name\n1.5,lost\n"),
        ("application/xml", b"<items><item><key>1.5</key><name>lost</name></item></items>"),
    ],
)
async def test_an_altered_key_selects_nothing_in_any_format(
    service: Service, content_type: str, body: bytes
) -> None:
    refused = await stream(service, body, "counted", "PATCH", content_type=content_type)
    assert refused.codes == {0: [(42203, "key")]}


async def test_what_a_hook_makes_of_a_key_is_the_users_will(service: Service) -> None:
    changed = await service.patch("rounded", [{"key": 1.2, "name": "meant"}])
    assert (changed.status, changed.body["data"][0]["name"]) == (200, "meant"), changed.body


async def test_a_time_in_a_url_that_is_finer_than_any_stored_finds_nothing(
    empty_database: str, redis_url: str
) -> None:
    settings = Settings(database_url=empty_database, redis_url=redis_url, poll_delay=0.005)
    schema = Schema.from_dict({"at": fields.DateTime(required=True), "n": fields.Integer()})
    async with serving(settings, Resource("moments", schema, key="at")) as served:
        at = "2026-01-01T00:00:00.123456Z"
        assert (await served.post("moments", [{"at": at, "n": 1}])).status == 201
        assert (await served.get(f"moments/{at}")).status == 200
        finer = at.replace("Z", "7Z")
        assert (await served.get(f"moments/{finer}")).status == 404
        assert (await served.get(f"moments?at={at}")).body["metadata"]["recordsCount"] == 1
        assert (await served.get(f"moments?at={finer}")).status == 400
