"""What is kept of a batch to be repaired: for how long, for whom, and whatever dies meanwhile."""

import dataclasses
import datetime as dt
import json
from typing import Any
from uuid import UUID

import pytest

from ingest.access.rights import parse_grants
from ingest.errors import IngestError
from ingest.ids import uuid7
from ingest.resources.entries import Entry
from ingest.settings import Settings
from ingest.store import batches, repair
from ingest.store.commit import apply_batch
from ingest.store.pool import Pool
from ingest.store.quotas import set_quota
from ingest.store.roles import create_role
from ingest.store.tokens import create_token
from ingest.validation.changes import Changed
from tests.api.shared import ANN, BAD, JIM, configured, contact, stored
from tests.api.test_repairs import KEEP, batch_of, mend, place, rejected
from tests.harness import REGISTRY, Reply, Service
from tests.waiting import finished
from workers.commit import Committer
from workers.maintenance import remove_abandoned, remove_all_expired

NOW = 1e-6  # seconds


async def test_it_is_kept_for_its_own_time_and_then_as_others_are(
    api: Service, committer: Committer, settings: Settings, operator: Pool
) -> None:
    first = await rejected(api, JIM, BAD, idempotency_key="k")
    others = {"payload_ttl": NOW, "idempotency_ttl": NOW, "batch_ttl": NOW}
    patient = dataclasses.replace(settings, **others)
    await remove_all_expired(patient, committer.pool)
    assert (await batch_of(api, first))["repairable"] is True
    assert await stored(operator, "ingest.payloads") == 1
    again = await api.post("contacts", [JIM, BAD], prefer=KEEP, idempotency_key="k")
    assert again.error[0] == 40901
    over = dataclasses.replace(settings, payload_ttl=NOW, repair_ttl=NOW)
    await remove_all_expired(over, committer.pool)
    shown = await batch_of(api, first)
    assert (shown["repairable"], len(shown["failures"])) == (False, 1)
    assert (await mend(api, first)).error[0] == 40905
    await remove_all_expired(patient, committer.pool)
    assert await stored(operator, "ingest.batches") == 0


@configured(repair="keep")
async def test_the_settings_can_keep_all(service: Service) -> None:
    reply = await service.post("contacts", [JIM, BAD])
    assert reply.body["metadata"]["repairable"] is True
    reply = await mend(service, reply, {"index": 1, "item": ANN})
    assert (reply.status, reply.body["metadata"]["created"]) == (200, 2)


async def test_a_resource_can_keep_all(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REGISTRY["contacts"], "repairable", True)
    reply = await api.post("contacts", [JIM, BAD])
    assert reply.body["metadata"]["repairable"] is True
    assert "Preference-Applied" not in reply.headers
    reply = await api.post("contacts", [JIM, BAD], prefer="handling=lenient, wait=0")
    assert "repairable" not in reply.body["metadata"]
    bad = await api.post("contacts", [JIM], prefer="repair=yes")
    assert bad.error == (40002, "invalid_parameter")


async def test_who_may_mend(api: Service, operator: Pool) -> None:
    async def client(name: str, *grants: str, **options: Any) -> Service:
        if grants:
            await create_role(operator, name, parse_grants(grants))
            options["role"] = name
        _, token = await create_token(operator, "acme", name, **options)
        return Service(api.client, token)

    async def answers(client: Service, reply: Reply) -> list[int]:
        where = place(reply).removesuffix("/items")
        change = {"index": 1, "item": BAD}
        return [
            (await mend(client, reply, change)).status,
            (await client.request("DELETE", where, if_match='"0"')).status,
        ]

    writer, other = await client("maker", "create"), await client("other", "create")
    first = await rejected(writer, JIM, BAD)
    assert await answers(writer, first) == [422, 412]
    assert await answers(other, first) == [403, 403]  # it may not read what others sent
    assert await answers(api, first) == [422, 412]
    reader = await client("readers", "read")
    assert await answers(reader, first) == [403, 403]
    merged = await writer.patch("contacts", [{"id": "x"}], prefer=KEEP)
    assert merged.status == 403
    north, south = [await client(name, groups=[name]) for name in ("north", "south")]
    first = await rejected(north, JIM, BAD)
    assert await answers(south, first) == [404, 404]
    assert await answers(north, first) == [422, 412]


async def test_the_groups_of_the_sender_are_those_of_what_is_mended(
    service: Service, operator: Pool
) -> None:
    _, token = await create_token(operator, "acme", "north", groups=["north"])
    first = await rejected(Service(service.client, token), JIM, BAD)
    reply = await mend(service, first, {"index": 1, "item": ANN})
    assert reply.status == 200
    rows = (await service.get("contacts?select=meta")).body["data"]
    assert {row["meta"]["group"] for row in rows} == {"north"}


async def test_what_a_limit_refuses_is_kept_and_tried_again(
    service: Service, operator: Pool
) -> None:
    await set_quota(operator, "acme", "contacts", 1)
    first = await service.post("contacts", [JIM, ANN], prefer=KEEP, idempotency_key="k")
    assert (first.status, first.error[0]) == (403, 40302)
    assert first.body["metadata"]["repairable"] is True
    again = await mend(service, first)
    assert (again.status, again.body["metadata"]["attempt"]) == (403, 2)
    reply = await mend(service, first, {"index": 1, "drop": True})
    assert (reply.status, reply.body["metadata"]["droppedItems"]) == (200, [1])
    assert await service.count("contacts") == 1


async def test_an_api_that_dies_while_changes_arrive_leaves_the_batch_as_it_was(
    api: Service, committer: Committer, operator: Pool
) -> None:
    first = await rejected(api, JIM, BAD)
    before = await api.get("batches")
    batch = await batches.get(committer.pool, "acme", UUID(first.body["metadata"]["batchId"]))
    assert batch is not None
    staged = uuid7()
    await repair.begin(committer.pool, batch, staged, None, "t" * 32)
    changed = Changed(1, Entry(1, json.dumps({"$i": 1}).encode(), None))
    await repair.add(committer.pool, "acme", staged, [changed, Changed(0)])
    # No list shows what has arrived so far, and the batch can be mended by others.
    assert (await api.get("batches")).body["data"] == before.body["data"]
    again = await mend(api, first, {"index": 1, "item": {"email": "z"}})
    assert again.body["metadata"]["invalidItems"] == [1]
    assert await stored(operator, "ingest.changes") == 2
    assert await remove_abandoned(committer, dt.timedelta()) == 1
    assert await stored(operator, "ingest.changes") == 0
    assert await stored(operator, "ingest.batches") == 1
    with pytest.raises(IngestError):
        await repair.add(committer.pool, "acme", staged, [changed])


async def test_a_connection_that_dies_while_it_is_merged_changes_nothing(
    service: Service, operator: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await rejected(service, JIM, BAD)
    check_room = repair._check_room

    async def dying(connection: Any, *about: Any) -> None:
        await check_room(connection, *about)
        async with operator.connection() as other:
            await other.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())

    monkeypatch.setattr(repair, "_check_room", dying)
    reply = await mend(service, first, {"index": 1, "item": ANN})
    assert (reply.status, reply.error[0]) == (503, 50301)
    shown = await batch_of(service, first)
    assert (shown["attempt"], shown["repairable"], len(shown["failures"])) == (1, True, 1)
    monkeypatch.undo()
    reply = await mend(service, first, {"index": 1, "item": ANN}, if_match='"1"')
    assert (reply.status, reply.body["metadata"]["created"]) == (200, 2)


async def test_a_worker_that_dies_over_a_mended_batch_leaves_it_to_the_next(
    api: Service, committer: Committer
) -> None:
    first = await rejected(api, JIM, BAD, ANN, idempotency_key="k")
    reply = await mend(
        api,
        first,
        {"index": 1, "item": contact(1)},
        {"index": 2, "drop": True},
        prefer="respond-async",
    )
    assert reply.status == 202
    batch = UUID(reply.body["metadata"]["batchId"])
    async with committer.pool.dry_run("acme") as connection:  # as one that dies before its COMMIT
        done = await apply_batch(connection, committer.registry, "acme", batch)
        assert done is not None
        assert (done.created, done.repairs) == (2, 1)
    assert (await batch_of(api, first))["state"] == "accepted"
    await committer.commit_pending("acme", "contacts")
    await committer.commit_pending("acme", "contacts")
    shown = await finished(api, reply.headers["Location"])
    assert (shown["state"], shown["attempt"], shown["metadata"]["created"]) == ("committed", 2, 2)
    assert await api.count("contacts") == 2
    replay = await api.post("contacts", [JIM, BAD, ANN], prefer=KEEP, idempotency_key="k")
    assert replay.error[0] == 40901
