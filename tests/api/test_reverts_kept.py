"""What may be undone: by whom, for how long, within which limits, and what is in its way."""

import dataclasses
import datetime as dt
from typing import Any

from ingest.access.rights import parse_grants
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.quotas import set_quota
from ingest.store.retention import remove_images
from ingest.store.roles import create_role
from ingest.store.tokens import create_token
from tests.api.shared import ANN, BAD, JIM, configured, contact, send, stored
from tests.api.test_everything import EMPTY, FULL, NULLS
from tests.api.test_reverts import held, saved, undo
from tests.harness import Service
from tests.waiting import finished
from workers.commit import Committer
from workers.maintenance import remove_all_expired

IMAGES = "ingest.before_images"


async def test_a_unique_value_that_was_taken_meanwhile_stays_where_it_is(service: Service) -> None:
    ann, jim = await saved(service, ANN, JIM)
    first = await service.patch("contacts", [{"id": ann["id"], "email": "anna@example.com"}])
    second = await service.delete("contacts", [jim["id"]])
    await saved(service, ANN, JIM)
    for batch in (first, second):
        reply = await undo(service, batch)
        assert reply.status == 422
        assert reply.codes == {0: [(40903, "email")]}


async def test_unique_values_go_back_where_they_were(service: Service) -> None:
    ann, jim = await saved(service, ANN, JIM)
    swap = [{"id": ann["id"], "email": JIM["email"]}, {"id": jim["id"], "email": ANN["email"]}]
    first = await service.patch("contacts", swap)
    assert first.status == 200
    assert (await undo(service, first)).status == 200
    assert await held(service) == {ANN["email"]: ann, JIM["email"]: jim}
    # One that is created in the place of another makes room for it, as it goes.
    moved = await service.patch("contacts", [{"id": ann["id"], "email": "anna@example.com"}])
    await saved(service, ANN)
    assert (await undo(service, moved)).codes == {0: [(40903, "email")]}


async def test_lenient_leaves_who_needs_what_another_one_keeps(service: Service) -> None:
    rows = await saved(service, *map(contact, range(4)))
    changes = [{"id": row["id"], "email": f"c{n + 1}@example.com"} for n, row in enumerate(rows)]
    first = await service.patch("contacts", changes)
    later = await service.patch("contacts", [{"id": rows[1]["id"], "age": 1}])
    assert later.status == 200
    reply = await undo(service, first, prefer="handling=lenient")
    # The second stays as it is, so the third cannot have its address back, nor the fourth.
    assert reply.status == 207, reply.body
    assert reply.codes == {
        1: [(41201, "meta.version")],
        2: [(40903, "email")],
        3: [(40903, "email")],
    }
    assert reply.body["metadata"]["updated"] == 1
    assert list(await held(service)) == [f"c{n}@example.com" for n in (0, 2, 3, 4)]


async def test_no_value_changes_on_its_way(service: Service) -> None:
    digits = '{"code": 5, "decimal": 12345678901234567890.12345678901234567890, "anything": 1e400}'
    await send(service, "everything", digits)
    items = {
        "everything": (
            [FULL, NULLS, EMPTY],
            "code",
            {"the text": "t", "scores": {}, "secret": "x"},
        ),
        "loose": ([{"name": "a", "more": [1e22, "\u2028"], "$x": {}}], "name", {"more": 0, "y": 1}),
        "people": ([{"name": "a", "born": "2000-01-01"}], "name", {"born": None}),
    }
    for collection, (sent, key, change) in items.items():
        assert (await service.post(collection, sent)).status == 201
        before = (await service.get(collection)).body["data"]
        keys = [each[key] for each in before]
        changed = await service.patch(collection, [{key: each} | change for each in keys])
        assert changed.body["metadata"]["updated"] == len(keys), changed.body
        assert (await undo(service, changed)).status == 200
        assert (await service.get(collection)).body["data"] == before
        gone = await service.delete(collection, keys)
        assert (await undo(service, gone)).status == 200
        assert (await service.get(collection)).body["data"] == before


@configured(revert_ttl=0.0)
async def test_without_before_images_nothing_is_undone(service: Service, operator: Pool) -> None:
    (ann,) = await saved(service, ANN)
    first = await service.patch("contacts", [{"id": ann["id"], "age": 42}])
    assert await stored(operator, IMAGES) == 0
    reply = await undo(service, first)
    assert (reply.status, reply.error) == (409, (40906, "not_revertible"))


async def test_they_are_kept_for_their_time_and_within_their_bytes(
    service: Service, committer: Committer, settings: Settings, operator: Pool
) -> None:
    (ann,) = await saved(service, ANN)
    assert await stored(operator, IMAGES) == 0
    first = await service.patch("contacts", [{"id": ann["id"], "age": 42}])
    second = await service.patch("contacts", [{"id": ann["id"], "age": 43}])
    await remove_all_expired(settings, committer.pool)
    assert await stored(operator, IMAGES) == 2
    async with operator.connection() as connection:
        size = await connection.fetchval(f"SELECT sum(bytes)::bigint FROM {IMAGES}")
    assert await remove_images(committer.pool, dt.timedelta(), 100, most=size) == 0
    assert await remove_images(committer.pool, dt.timedelta(), 100, most=size - 1) == 1  # the older
    assert await stored(operator, "images.contacts") == 1
    assert (await undo(service, first)).error[0] == 40906
    assert (await undo(service, second)).status == 200
    over = dataclasses.replace(settings, revert_ttl=1e-6)
    await remove_all_expired(over, committer.pool)
    assert await stored(operator, IMAGES) == await stored(operator, "images.contacts") == 0


async def test_what_saved_nothing_is_not_undone(service: Service) -> None:
    rejected = await service.post("contacts", [BAD])
    reply = await undo(service, rejected)
    assert (reply.status, reply.error) == (409, (40906, "not_revertible"))
    missing = await undo(service, "01a22a6c-6c77-7368-9797-f63f228de83b")
    assert missing.error == (40404, "unknown_batch")
    assert (await undo(service, "x")).error == (40404, "unknown_batch")


async def test_the_key_makes_it_safe_to_repeat(service: Service) -> None:
    first = await service.post("contacts", [JIM])
    reply = await undo(service, first, idempotency_key="u")
    assert reply.status == 200
    again = await undo(service, first, idempotency_key="u")
    assert again.error == (40901, "idempotency_replayed")
    again = await undo(service, first, idempotency_key="u", prefer="replay=return")
    assert (again.status, again.body["metadata"]) == (200, reply.body["metadata"])
    other = await undo(service, reply, idempotency_key="u")
    assert other.error == (42220, "idempotency_mismatch")
    twice = await undo(service, first)
    assert twice.codes == {0: [(41201, "meta.version")]}
    description = twice.body["failures"][0]["errors"][0]["description"]
    assert reply.body["metadata"]["batchId"] in description


async def test_it_is_accepted_like_any_other(service: Service) -> None:
    first = await service.post("contacts", [JIM, ANN])
    reply = await undo(service, first, prefer="respond-async, return=minimal")
    assert reply.status == 202
    batch = await finished(service, reply.headers["Location"])
    assert (batch["state"], batch["metadata"]["deleted"]) == ("committed", 2)
    empty = await undo(service, await service.post("contacts", []))
    assert (empty.status, empty.body["metadata"]["receivedItemsCount"]) == (200, 0)


async def test_quotas_apply(service: Service, operator: Pool) -> None:
    (jim,) = await saved(service, JIM)
    first = await service.delete("contacts", [jim["id"]])
    await set_quota(operator, "acme", "contacts", 1)
    await saved(service, ANN)
    reply = await undo(service, first)
    assert (reply.status, reply.error) == (403, (40302, "limit_reached"))
    assert list(await held(service)) == [ANN["email"]]


async def test_who_may_undo(service: Service, operator: Pool) -> None:
    async def client(*grants: str, **options: Any) -> Service:
        name = "-".join(grants).replace(",", "-") or "all"
        if grants:
            await create_role(operator, name, parse_grants(grants))
            options["role"] = name
        _, token = await create_token(operator, "acme", name, **options)
        return Service(service.client, token)

    created = await service.post("contacts", [JIM])
    key = created.body["data"][0]["id"]
    changed = await service.patch("contacts", [{"id": key, "age": 1}])
    gone = await service.delete("contacts", [key])
    needed = {"delete": created, "update": changed, "create": gone}
    for right, batch in needed.items():
        others = ",".join({*needed} - {right})
        without = await client(f"read,{others}")
        assert (await undo(without, batch)).error == (40301, "not_permitted")
        blind = await client(right)
        assert (await undo(blind, batch)).error == (40301, "not_permitted")  # another's batch
        may = await client(f"read,{right}")
        assert (await undo(may, batch, "?dryRun=true")).status in (200, 422)


async def test_who_may_not_read_sees_no_keys(service: Service, operator: Pool) -> None:
    await create_role(operator, "blind", parse_grants(["update"]))
    _, token = await create_token(operator, "acme", "blind", role="blind")
    blind = Service(service.client, token)
    await saved(service, ANN)
    change = {"email": ANN["email"], "age": 1}
    first = await blind.patch("contacts", [change], params={"matching": "email"})
    await service.patch("contacts", [change | {"age": 2}], params={"matching": "email"})
    reply = await undo(blind, first)
    assert reply.codes == {0: [(41201, "meta.version")]}
    batch = f"batches/{reply.body['metadata']['batchId']}"
    for path in (batch, f"{batch}/failures"):
        shown = (await blind.get(path)).body
        failures = shown.get("data", shown)["failures"]
        assert [each["rawData"] for each in failures] == [{}], path
    assert reply.body["failures"][0]["rawData"] == {}


async def test_a_confined_token_undoes_what_it_can_reach(service: Service, operator: Pool) -> None:
    north, south = [
        Service(service.client, (await create_token(operator, "acme", name, groups=[name]))[1])
        for name in ("north", "south")
    ]
    first = await north.post("contacts", [JIM])
    assert (await undo(south, first)).error == (40404, "unknown_batch")
    assert (await undo(north, first)).status == 200
    again = await north.post("contacts", [JIM])
    key = again.body["data"][0]["id"]
    gone = await north.delete("contacts", [key])
    assert (await undo(north, gone)).status == 200
    meta = (await service.get("contacts?select=meta")).body["data"][0]["meta"]
    assert meta["group"] == "north"


@configured(payload_ttl=1e-6)
async def test_no_staged_item_is_needed(
    service: Service, committer: Committer, settings: Settings
) -> None:
    first = await service.post("contacts", [JIM, ANN])
    await remove_all_expired(settings, committer.pool)
    assert (await undo(service, first)).body["metadata"]["deleted"] == 2


async def test_other_accounts_do_not_see_it(service: Service, rival: Service) -> None:
    first = await service.post("contacts", [JIM])
    assert (await undo(rival, first)).error == (40404, "unknown_batch")
    assert await service.count("contacts") == 1
