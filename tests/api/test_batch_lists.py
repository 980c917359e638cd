"""Lists of batches by what they have in common, page after page; and what a batch wrote."""

import datetime as dt
from typing import Any

import pytest

from tests.api.shared import BAD, JIM
from tests.harness import Service
from tests.store.conflicting import ID, contact


async def sent(service: Service, collection: str, *items: Any, method: str = "POST") -> str:
    reply = await service.request(method, f"/v1/{collection}", [*items])
    return str(reply.body["metadata"]["batchId"])


async def listed(service: Service, **params: str) -> list[str]:
    reply = await service.get("batches", params=params)
    assert reply.status == 200, reply.body
    assert reply.body["metadata"]["recordsCount"] == len(reply.body["data"])
    return [each["id"] for each in reply.body["data"]]


async def test_by_state_and_collection_and_time(service: Service) -> None:
    good = await sent(service, "contacts", JIM)
    bad = await sent(service, "contacts", BAD)
    taken = await sent(service, "contacts", JIM)
    other = await sent(service, "people", {"name": "Ann"})
    assert await listed(service) == [other, taken, bad, good]
    assert await listed(service, state="committed") == [other, good]
    assert await listed(service, state="rejected") == [bad]
    assert await listed(service, state="failed") == [taken]
    assert await listed(service, state="failed", collection="people") == []
    assert await listed(service, collection="people") == [other]
    assert await listed(service, collection="gone") == []
    [shown] = (await service.get("batches", params={"state": "failed"})).body["data"]
    assert await listed(service, since=shown["createdAt"]) in ([other, taken], [other])
    later = dt.datetime.fromisoformat(shown["createdAt"]) + dt.timedelta(days=1)
    assert await listed(service, since=later.isoformat()) == []
    assert await listed(service, since="2020-01-01") == [other, taken, bad, good]


async def test_a_walk_sees_each_batch_once_while_others_come(service: Service) -> None:
    batches = [await sent(service, "people", {"name": f"n{number}"}) for number in range(5)]
    params, seen = {"limit": "2"}, []
    while True:
        reply = await service.get("batches", params=params)
        seen += [each["id"] for each in reply.body["data"]]
        following = reply.body["metadata"].get("next")
        if following is None:
            assert "next" not in reply.headers.get("Link", "")
            break
        assert f"after={following}" in reply.headers["Link"]
        await sent(service, "people", {"name": f"new {following}"})
        params["after"] = following
    assert seen == batches[::-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "done"),
        ("collection", "No such name"),
        ("collection", "a\0"),
        ("since", "yesterday"),
        ("since", "0001-01-01T00:00:00+14:00"),
        ("after", "1"),
        ("before", "x"),
    ],
)
async def test_what_cannot_be_read_is_named(service: Service, name: str, value: str) -> None:
    reply = await service.get("batches", params={name: value})
    assert (reply.status, reply.error[0]) == (400, 40002)
    assert name in reply.body["message"]


async def test_a_list_of_what_a_batch_wrote_last(service: Service) -> None:
    first = await sent(service, "contacts", contact(1), contact(2), contact(3))
    second = await sent(service, "contacts", {"id": ID(2), "age": 5}, method="PATCH")

    async def written(batch: str, **params: str) -> list[str]:
        reply = await service.get("contacts", params={"batch": batch, **params})
        assert reply.body["metadata"]["recordsCount"] == len(reply.body["data"])
        return [item["id"] for item in reply.body["data"]]

    assert await written(first) == [ID(1), ID(3)]
    assert await written(second) == [ID(2)]
    assert await written(first, email="3@example.com") == [ID(3)]
    assert await written(ID(9)) == []
    reply = await service.get("contacts", params={"batch": "x"})
    assert (reply.status, reply.error[0]) == (400, 40002)
