"""Undo: a batch that puts back what another one changed (contract 2)."""

from typing import Any

from tests.api.shared import ANN, JIM, contact
from tests.harness import Reply, Service

WITH_META = "contacts?select=meta"


async def undo(service: Service, of: Reply | str, query: str = "", **options: Any) -> Reply:
    batch = of if isinstance(of, str) else of.body["metadata"]["batchId"]
    return await service.request("POST", f"/v1/batches/{batch}:revert{query}", **options)


async def saved(service: Service, *items: Any) -> list[dict[str, Any]]:
    reply = await service.post("contacts", [*items])
    assert reply.status == 201, reply.body
    return list(reply.body["data"])


async def held(service: Service, select: str = "") -> dict[str, Any]:
    """What is stored, by email."""
    reply = await service.get(f"contacts{select}")
    return {each["email"]: each for each in reply.body["data"]}


async def test_what_was_created_is_deleted(service: Service) -> None:
    await saved(service, contact(0))
    first = await service.post("contacts", [JIM, ANN])
    reply = await undo(service, first)
    assert (reply.status, reply.body["result"]) == (200, "success"), reply.body
    metadata = reply.body["metadata"]
    assert (metadata["deleted"], metadata["receivedItemsCount"]) == (2, 2)
    assert metadata["outcomes"] == ["deleted"] * 2
    assert [each["email"] for each in reply.body["data"]] == [JIM["email"], ANN["email"]]
    assert list(await held(service)) == ["c0@example.com"]
    shown = (await service.get(f"batches/{metadata['batchId']}")).body["data"]
    assert (shown["action"], shown["state"]) == ("revert", "committed")
    assert shown["reverts"] == first.body["metadata"]["batchId"]
    assert shown["response"]["status"] == 200


async def test_what_was_updated_gets_back_what_it_had(service: Service) -> None:
    (ann, jim) = await saved(service, ANN, JIM)
    before = await held(service, "?select=meta")
    changes = [{"id": ann["id"], "age": 50, "tags": []}, {"id": jim["id"], "first_name": "James"}]
    first = await service.patch("contacts", changes)
    reply = await undo(service, first)
    assert reply.status == 200, reply.body
    assert (reply.body["metadata"]["updated"], reply.body["data"]) == (2, [ann, jim])
    after = await held(service, "?select=meta")
    for email in (ANN["email"], JIM["email"]):
        old, new = before[email].pop("meta"), after[email].pop("meta")
        assert (new["version"], new["createdAt"]) == (old["version"] + 2, old["createdAt"])
        assert new["batch"] == reply.body["metadata"]["batchId"]
    assert after == before


async def test_what_was_deleted_is_back_as_it_was(service: Service) -> None:
    (ann, jim) = await saved(service, ANN, JIM)
    before = await held(service, "?select=meta")
    first = await service.delete("contacts", [ann["id"], jim["id"]])
    assert await service.count("contacts") == 0
    reply = await undo(service, first)
    assert reply.status == 200, reply.body
    assert reply.body["metadata"]["created"] == 2
    assert reply.body["metadata"]["outcomes"] == ["created"] * 2
    after = await held(service, "?select=meta")
    for email, meta in ((each, after[each]["meta"]) for each in after):
        old = before[email]["meta"]
        assert meta["version"] > old["version"]
        assert {**meta, "version": 0, "batch": ""} == {**old, "version": 0, "batch": ""}
    assert [{**each, "meta": 0} for each in after.values()] == [
        {**each, "meta": 0} for each in before.values()
    ]


async def test_it_is_undone_itself(service: Service) -> None:
    (ann,) = await saved(service, ANN)
    items = [{**ANN, "first_name": "Anna"}, JIM]
    first = await service.post(
        "contacts?matching=email", items, prefer="resolution=merge-duplicates"
    )
    assert first.body["metadata"]["outcomes"] == ["updated", "created"]
    changed = await held(service)
    second = await undo(service, first)
    assert second.status == 200, second.body
    assert await held(service) == {ANN["email"]: ann}
    third = await undo(service, second)
    assert third.status == 200, third.body
    assert third.body["metadata"]["outcomes"] == ["updated", "created"]
    assert await held(service) == changed
    fourth = await undo(service, third)
    assert await held(service) == {ANN["email"]: ann}
    assert (fourth.body["metadata"]["updated"], fourth.body["metadata"]["deleted"]) == (1, 1)


async def test_what_was_changed_since_is_left_alone_and_named(service: Service) -> None:
    first = await service.post("contacts", [JIM, ANN, contact(0), contact(1)])
    jim, ann, zero, one = (each["id"] for each in first.body["data"])
    updated = await service.patch("contacts", [{"id": ann, "age": 42}])
    deleted = await service.delete("contacts", [zero])
    before = await held(service)
    reply = await undo(service, first)
    assert (reply.status, reply.body["result"]) == (422, "failure")
    failures = {each["rawData"]["id"]: each["errors"][0] for each in reply.body["failures"]}
    assert {key: each["code"] for key, each in failures.items()} == {ann: 41201, zero: 41201}
    assert updated.body["metadata"]["batchId"] in failures[ann]["description"]
    assert deleted.body["metadata"]["batchId"] in failures[zero]["description"]
    assert await held(service) == before
    dry = await undo(service, first, "?dryRun=true", prefer="handling=lenient")
    assert (dry.status, dry.body["metadata"]["deleted"]) == (422, 2)
    assert await held(service) == before
    lenient = await undo(service, first, prefer="handling=lenient")
    assert (lenient.status, lenient.body["result"]) == (207, "partial")
    assert lenient.body["failures"] == reply.body["failures"]
    assert list(await held(service)) == [ANN["email"]]
    again = await undo(service, first)
    assert again.status == 422
    assert len(again.body["failures"]) == 4
    assert jim != one
