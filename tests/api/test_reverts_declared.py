"""Undo of what other schemas declare: keys of other kinds, and a schema that has changed since."""

from typing import Any

import asyncpg
import pytest
from marshmallow import Schema, fields

from ingest import Resource
from ingest.settings import Settings
from tests.api.declared import serving
from tests.api.test_reverts import undo


@pytest.fixture
def settings(empty_database: str, redis_url: str) -> Settings:
    return Settings(database_url=empty_database, redis_url=redis_url, poll_delay=0.005)


def declared(name: str, key: Any, **more: Any) -> Resource:
    return Resource(name, Schema.from_dict({"id": key, "name": fields.String(), **more}))


async def test_keys_and_schemas(settings: Settings) -> None:
    prices = declared("prices", fields.Decimal(required=True, places=None))
    numbered = declared("numbered", fields.Integer(dump_only=True))
    things = declared("things", fields.UUID(), old=fields.String())
    async with serving(settings, prices, numbered, things) as service:
        for name, keys in (("prices", [1.5, 2.5]), ("numbered", [None, None])):
            items = [{"name": "x"} if key is None else {"id": key, "name": "x"} for key in keys]
            first = await service.post(name, items)
            assert first.status == 201, first.body
            rows = (await service.get(name)).body["data"]
            found = [row["id"] for row in rows]
            changed = await service.patch(
                f"{name}?matching=name" if len(found) == 1 else name,
                [{"id": key, "name": "y"} for key in found],
            )
            assert changed.status == 200, changed.body
            assert (await undo(service, changed)).status == 200
            gone = await service.delete(name, found[:1])
            assert (await undo(service, gone)).body["metadata"]["created"] == 1
            assert (await service.get(name)).body["data"] == rows
            late = await undo(service, first)
            assert late.codes == {0: [(41201, "meta.version")], 1: [(41201, "meta.version")]}
            other = await service.post(name, [{"id": 7, "name": "z"} if keys[0] else {"name": "z"}])
            assert (await undo(service, other)).body["metadata"]["deleted"] == 1
        made = await service.post("things", [{"name": "a", "old": "1"}, {"name": "b", "old": "2"}])
        one, two = (row["id"] for row in made.body["data"])
        matched = await service.patch(
            "things", [{"name": "a", "old": "3"}], params={"matching": "name"}
        )
        assert matched.body["metadata"]["updated"] == 1
        gone = await service.delete("things", [two])
    wider = declared("things", fields.UUID(), new=fields.String())
    async with serving(settings, wider) as service:
        for batch in (matched, gone):
            reply = await undo(service, batch)
            assert reply.status == 200, reply.body
        names = {row["id"]: row["name"] for row in (await service.get("things")).body["data"]}
        assert names == {one: "a", two: "b"}
    connection = await asyncpg.connect(settings.database_url)
    try:
        stored = await connection.fetch("SELECT name, old FROM collections.things ORDER BY name")
        assert [tuple(row) for row in stored] == [("a", "1"), ("b", "2")]
    finally:
        await connection.close()
