"""GET of a batch in each state, and answers that do not wait (contract 2)."""

import datetime as dt
import uuid

from ingest.store.pool import Pool
from tests.api.shared import ANN, BAD, JIM, configured
from tests.harness import Service
from tests.waiting import finished
from workers.commit import Committer

PARTS = {
    "id",
    "collection",
    "action",
    "state",
    "createdAt",
    "acceptedAt",
    "finishedAt",
    "metadata",
    "failures",
    "response",
}


def _times(batch: dict[str, str]) -> list[dt.datetime]:
    shown = [batch["createdAt"], batch["acceptedAt"], batch["finishedAt"]]
    assert all(text.endswith("Z") for text in shown if text)
    return [dt.datetime.fromisoformat(text) for text in shown if text]


async def test_a_committed_batch(service: Service) -> None:
    reply = await service.post("contacts", [JIM, ANN])
    shown = await service.get(f"batches/{reply.body['metadata']['batchId']}")
    assert (shown.status, shown.body["result"], shown.body["status"]) == (200, "success", 200)
    batch = shown.body["data"]
    assert set(batch) == PARTS
    assert batch["id"] == reply.body["metadata"]["batchId"]
    assert uuid.UUID(batch["id"]).version == 7
    assert (batch["collection"], batch["action"], batch["state"]) == (
        "contacts",
        "create",
        "committed",
    )
    assert batch["metadata"] == reply.body["metadata"]
    assert batch["failures"] == []
    assert batch["response"]["status"] == 201
    assert batch["response"]["body"]["data"] == reply.body["data"]
    assert batch["response"]["body"]["metadata"] == reply.body["metadata"]
    times = _times(batch)
    assert len(times) == 3
    assert times == sorted(times)


async def test_an_accepted_batch(api: Service) -> None:
    reply = await api.post("contacts", [JIM], prefer="wait=0")
    assert (reply.status, reply.body["result"]) == (202, "accepted")
    assert reply.headers["Location"] == f"/v1/batches/{reply.body['metadata']['batchId']}"
    assert reply.body["metadata"]["validItems"] == [0]
    assert "created" not in reply.body["metadata"]
    assert "data" not in reply.body
    shown = await api.request("GET", reply.headers["Location"])
    assert shown.status == 200
    batch = shown.body["data"]
    assert batch["state"] == "accepted"
    assert batch["response"] is None
    assert batch["finishedAt"] is None
    assert batch["metadata"] == reply.body["metadata"]
    assert len(_times(batch)) == 2


async def test_a_rejected_batch(api: Service) -> None:
    reply = await api.post("contacts", [JIM, BAD])
    shown = await api.get(f"batches/{reply.body['metadata']['batchId']}")
    assert shown.status == 200
    batch = shown.body["data"]
    assert batch["state"] == "rejected"
    assert batch["acceptedAt"] is None
    assert batch["finishedAt"] is not None
    assert batch["failures"] == reply.body["failures"]
    assert batch["metadata"] == reply.body["metadata"]
    assert batch["response"]["status"] == 422
    assert batch["failures"] == reply.body["failures"]


async def test_a_failed_batch(service: Service) -> None:
    await service.post("contacts", JIM)
    reply = await service.delete("contacts", [str(uuid.UUID(int=0))])
    batch = (await service.get(f"batches/{reply.body['metadata']['batchId']}")).body["data"]
    assert (batch["state"], batch["action"]) == ("failed", "delete")
    assert len(_times(batch)) == 3
    assert batch["failures"] == reply.body["failures"]
    assert batch["response"]["body"]["result"] == "failure"


async def test_a_minimal_batch_stays_minimal(service: Service) -> None:
    reply = await service.post("contacts", [JIM], prefer="return=minimal")
    batch = (await service.get(f"batches/{reply.body['metadata']['batchId']}")).body["data"]
    assert "data" not in batch["response"]["body"]
    assert batch["metadata"] == reply.body["metadata"]


async def test_the_id_of_a_batch_in_capitals(service: Service) -> None:
    reply = await service.post("contacts", [])
    batch = reply.body["metadata"]["batchId"]
    assert (await service.get(f"batches/{batch.upper()}")).body["data"]["id"] == batch


async def test_respond_async_answers_before_the_commit_and_commits(service: Service) -> None:
    reply = await service.post("contacts", [JIM], prefer="respond-async, return=minimal")
    assert reply.status == 202
    applied = {part.strip() for part in reply.headers["Preference-Applied"].split(",")}
    assert applied == {"respond-async", "return=minimal"}
    batch = await finished(service, reply.headers["Location"])
    assert batch["state"] == "committed"
    assert batch["response"]["status"] == 201


async def test_respond_async_does_not_hide_what_is_known_at_once(api: Service) -> None:
    reply = await api.post("contacts", [BAD], prefer="respond-async")
    assert (reply.status, reply.body["result"]) == (422, "failure")


async def test_with_respond_async_a_wait_says_how_long(service: Service) -> None:
    reply = await service.post("contacts", [JIM], prefer="respond-async, wait=10")
    assert reply.status == 201


@configured(wait=0.05)
async def test_when_the_wait_runs_out_the_answer_is_202(api: Service, committer: Committer) -> None:
    reply = await api.post("contacts", [JIM])
    assert reply.status == 202
    await committer.commit("acme", uuid.UUID(reply.body["metadata"]["batchId"]), tries=1)
    batch = await finished(api, reply.headers["Location"])
    assert batch["state"] == "committed"
    assert len((await api.get("contacts")).body["data"]) == 1


@configured(max_wait=0.05)
async def test_no_request_waits_longer_than_the_setting(api: Service) -> None:
    assert (await api.post("contacts", [JIM], prefer="wait=600")).status == 202


async def test_a_batch_is_finished_once(
    service: Service, committer: Committer, operator: Pool
) -> None:
    reply = await service.post("contacts", [JIM])
    batch = uuid.UUID(reply.body["metadata"]["batchId"])
    await committer.commit("acme", batch, tries=2)
    async with operator.connection() as connection:
        versions = await connection.fetch('SELECT "$version" FROM collections.contacts')
    assert [row[0] for row in versions] == [1]


async def test_the_batch_that_holds_a_key(service: Service, rival: Service) -> None:
    """Also one without items; another account's is not found."""
    for key, items in (("a-1", [JIM]), ("end!", [])):
        reply = await service.post("contacts", items, idempotency_key=key)
        assert reply.status == 201
        found = await service.get(f"batches?idempotencyKey={key}")
        assert found.status == 200
        assert [each["id"] for each in found.body["data"]] == [reply.body["metadata"]["batchId"]]
        assert found.body["metadata"]["recordsCount"] == 1
        assert (await rival.get(f"batches?idempotencyKey={key}")).body["data"] == []
    assert (await service.get("batches?idempotencyKey=a")).body["data"] == []
    for wrong in ("", "%00", "a%20b", "x" * 256):
        reply = await service.get(f"batches?idempotencyKey={wrong}")
        assert (reply.status, reply.error) == (400, (40002, "invalid_parameter"))
