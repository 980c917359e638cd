"""Everything that is wrong with a batch is said in one answer."""

from typing import Any

import pytest

from ingest.store.pool import Pool
from ingest.store.quotas import set_quota
from tests.api.shared import contact
from tests.api.streaming import large, lines, stream
from tests.harness import Reply, Service
from tests.store.conflicting import IGNORE, LENIENT, MERGE, store, versions

KEY = "00000000-0000-7000-8000-{:012}".format
STORED = [contact(number, id=KEY(number)) for number in (1, 2, 3)]
BAD = {"id": KEY(9), "email": "no address"}


@pytest.fixture
async def filled(service: Service) -> Service:
    await store(service, "contacts", *STORED)
    return service


async def sent(
    service: Service, way: str, items: list[Any], method: str = "POST", prefer: str = ""
) -> Reply:
    if way == "stream":
        many = [large(number) for number in range(100, 800)]
        body = lines([*items, *(many if method == "POST" else [])])
        return await stream(service, body, method=method, prefer=prefer)
    path = "/v1/contacts" + ("?dryRun=true" if way == "dry run" else "")
    return await service.request(method, path, items, prefer=prefer)


WAYS = pytest.mark.parametrize("way", ["batch", "dry run", "stream"])


@WAYS
async def test_what_stored_data_refuses_is_named_beside_what_validation_refuses(
    filled: Service, way: str
) -> None:
    items = [
        BAD,
        contact(1),
        contact(5, id=KEY(2)),
        contact(6),
        contact(6, id=KEY(7)),
        {"email": "x"},
        contact(8),
    ]
    reply = await sent(filled, way, items)
    assert reply.status == 422, reply.body
    shown = reply.codes
    assert shown[1] == [(40903, "email")]
    assert shown[2] == [(40903, "id")]
    assert shown[4] == [(40904, "email")]
    assert sorted(shown) == [0, 1, 2, 4, 5]
    assert reply.body["failures"][1]["rawData"] == contact(1)
    assert await filled.count("contacts") == len(STORED)
    if way != "dry run":
        batch = reply.body["metadata"]["batchId"]
        listed = await filled.get(f"batches/{batch}/failures")
        assert [
            {name: each[name] for name in ("rawData", "errors")} for each in listed.body["failures"]
        ] == reply.body["failures"]
        stored = (await filled.get(f"batches/{batch}")).body["data"]
        assert stored["metadata"]["invalidItems"] == [0, 1, 2, 4, 5]


@WAYS
async def test_what_cannot_be_found_or_has_moved_on_is_named_too(filled: Service, way: str) -> None:
    changes = [
        {"id": KEY(1), "age": "x"},
        {"id": KEY(4), "age": 1},
        {"id": KEY(2), "age": 1, "meta": {"version": 7}},
        {"id": KEY(3), "email": STORED[0]["email"]},
    ]
    reply = await sent(filled, way, changes, "PATCH")
    assert reply.codes == {
        0: [(42203, "age")],
        1: [(40403, "id")],
        2: [(41201, "meta.version")],
        3: [(40903, "email")],
    }
    gone = await sent(filled, way, [KEY(1), "x", KEY(4), KEY(1)], "DELETE")
    assert gone.codes == {1: [(42204, "id")], 2: [(40403, "id")], 3: [(40904, "id")]}
    assert set((await versions(filled, "contacts")).values()) == {1}


# Lenient batches: an item that fails takes nothing from a later one.


@pytest.mark.parametrize("way", ["batch", "stream"])
@pytest.mark.parametrize(
    ("method", "prefer", "items", "failed"),
    [
        ("POST", "", [contact(9, id=KEY(1)), contact(9)], {0: [(40903, "id")]}),
        ("POST", "", [contact(1, id=KEY(9)), contact(9, id=KEY(9))], {0: [(40903, "email")]}),
        (
            "POST",
            "",
            [contact(8, id=KEY(8)), contact(8, id=KEY(9)), contact(9, id=KEY(9))],
            {1: [(40904, "email")]},
        ),
        (
            "POST",
            MERGE,
            [contact(9, id=KEY(9), meta={"version": 3}), contact(9, id=KEY(8))],
            {0: [(41201, "meta.version")]},
        ),
        ("POST", IGNORE, [contact(1, id=KEY(9)), contact(7, id=KEY(9))], {0: [(40903, "email")]}),
        (
            "PATCH",
            "",
            [{"id": KEY(7), "email": "n@example.com"}, {"id": KEY(1), "email": "n@example.com"}],
            {0: [(40403, "id")]},
        ),
        (
            "PATCH",
            "",
            [
                {"id": KEY(1), "age": 5, "meta": {"version": 9}},
                {"id": KEY(1), "age": 6},
                {"id": KEY(1), "age": 7},
            ],
            {0: [(41201, "meta.version")], 2: [(40904, "id")]},
        ),
        (
            "PATCH",
            "",
            [{"id": KEY(7), "age": 1}, {"id": KEY(7), "age": 2}, {"id": KEY(1), "age": 3}],
            {0: [(40403, "id")], 1: [(40403, "id")]},
        ),
        (
            "DELETE",
            "",
            [{"id": KEY(1), "meta": {"version": 9}}, KEY(1), KEY(7), KEY(7)],
            {0: [(41201, "meta.version")], 2: [(40403, "id")], 3: [(40403, "id")]},
        ),
    ],
)
async def test_a_failed_item_takes_nothing_from_a_later_one(
    filled: Service, way: str, method: str, prefer: str, items: list[Any], failed: Any
) -> None:
    prefers = ", ".join(filter(None, (LENIENT, prefer)))
    dry = await sent(filled, "dry run", items, method, prefers)
    assert dry.codes == failed
    reply = await sent(filled, way, items, method, prefers)
    assert reply.status == 207, reply.body
    assert reply.codes == failed


async def test_a_repeat_names_the_item_that_is_saved(filled: Service) -> None:
    items = [contact(9, id=KEY(1)), contact(9), contact(9, id=KEY(8))]
    reply = await filled.post("contacts", items, prefer=LENIENT)
    assert reply.codes == {0: [(40903, "id")], 2: [(40904, "email")]}
    assert "Item 1 of this batch" in reply.body["failures"][1]["errors"][0]["description"]


# Limits of the account are named beside failures.


def limit_of(reply: Reply) -> dict[str, int]:
    assert (reply.status, reply.body["result"]) == (422, "failure")
    assert reply.error == (40302, "limit_reached")
    assert reply.body["error"]["moreInfo"].endswith("/docs/errors/limit_reached")
    assert reply.body["message"].count("nothing was saved") == 1
    assert (
        f"The limit of contacts is {reply.body['error']['limit']['maximum']}"
        in (reply.body["message"])
    )
    limit: dict[str, int] = reply.body["error"]["limit"]
    return limit


@WAYS
async def test_a_limit_is_named_beside_what_is_refused(
    filled: Service, operator: Pool, way: str
) -> None:
    await set_quota(operator, "acme", "contacts", 4)
    items = [BAD, contact(1), contact(6), contact(7), contact(8)]
    reply = await sent(filled, way, items)
    assert limit_of(reply) == {"collection": "contacts", "maximum": 4, "left": 1}
    assert reply.codes == {0: [(42204, "email"), (42201, "first_name")], 1: [(40903, "email")]}
    if way != "dry run":
        batch = (await filled.get(f"batches/{reply.body['metadata']['batchId']}")).body
        assert "error" not in batch
        assert batch["data"]["state"] == "rejected"
        assert batch["data"]["response"]["body"]["error"] == reply.body["error"]
    if way != "stream":
        assert "would have created 3" in reply.body["error"]["description"]
        # Also where validation refuses nothing.
        taken = await sent(filled, way, items[1:])
        assert limit_of(taken) == {"collection": "contacts", "maximum": 4, "left": 1}
        assert taken.codes == {0: [(40903, "email")]}
        assert "error" not in (await sent(filled, way, items[:3])).body
        # What exists is not created.
        merged = [BAD, *(contact(number, id=KEY(number)) for number in (1, 2, 6))]
        assert "error" not in (await sent(filled, way, merged, prefer=MERGE)).body
        merged.append(contact(7))
        reply = await sent(filled, way, merged, prefer=MERGE)
        assert "would have created 2" in reply.body["error"]["description"]
        # Items that are changed or deleted need no room, unless there are too many already.
        await set_quota(operator, "acme", "contacts", 2)
        gone = await sent(filled, way, ["x", KEY(1)], "DELETE")
        assert (gone.status, "error" in gone.body) == (422, False)
        edits = [{"id": KEY(1), "age": 1}, {"id": KEY(2), "age": "x"}]
        assert limit_of(await sent(filled, way, edits, "PATCH"))["maximum"] == 2
    assert set((await versions(filled, "contacts")).values()) == {1}


@pytest.mark.parametrize("way", ["batch", "dry run", "stream"])
async def test_a_lenient_batch_over_a_limit_names_all_that_is_wrong(
    filled: Service, operator: Pool, way: str
) -> None:
    await set_quota(operator, "acme", "contacts", 4)
    items = [BAD, contact(1), contact(6), contact(7)]
    reply = await sent(filled, way, items, prefer=f"{LENIENT}, wait=30")
    assert (reply.status, reply.error) == (403, (40302, "limit_reached"))
    assert reply.body["message"].count("nothing was saved") == 1
    assert sorted(reply.codes) == [0, 1]
    assert reply.body["metadata"]["invalidItemsCount"] == 2
    assert await filled.count("contacts") == len(STORED)
