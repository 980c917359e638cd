"""Tokens that are confined to groups (contract 2, and document 001)."""

import random
from collections.abc import Awaitable, Callable
from string import ascii_letters, digits
from typing import Any

import pytest

from ingest.access.rights import MAX_GROUP_BYTES
from ingest.resources.conversion import MAX_INDEXED_BYTES
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.api.shared import contact, stored
from tests.harness import Reply, Service
from tests.waiting import finished
from workers.commit import Committer

Confined = Callable[..., Awaitable[Service]]


@pytest.fixture
def confined(api: Service, operator: Pool) -> Confined:
    """A client of `acme` whose token is confined to groups."""

    async def made(*groups: str) -> Service:
        _, token = await create_token(operator, "acme", "/".join(groups), groups=groups)
        return Service(api.client, token)

    return made


def _airport(code: str, **more: Any) -> dict[str, Any]:
    place = {"city": "X", "country": "DE", "latitude": 1.0, "longitude": 2.0}
    return {"iata": code, "name": code, **place, **more}


def _codes(reply: Reply) -> list[str]:
    return [item["iata"] for item in reply.body["data"]]


async def test_what_a_token_creates_belongs_to_its_group(
    service: Service, confined: Confined
) -> None:
    north = await confined("north")
    saved = await north.post("airports?select=meta", [_airport("AAA"), _airport("BBB")])
    assert [item["meta"]["group"] for item in saved.body["data"]] == ["north", "north"]
    await service.post("airports", _airport("CCC"))
    everything = await service.get("airports?select=meta")
    assert [item["meta"]["group"] for item in everything.body["data"]] == ["north", "north", None]


async def test_a_token_of_several_groups_says_which(service: Service, confined: Confined) -> None:
    both = await confined("north", "south")
    items = [
        _airport("AAA", meta={"group": "south"}),
        _airport("BBB"),
        _airport("CCC", meta={"group": "east"}),
        _airport("DDD", meta={"group": 5}),
        _airport("EEE", meta="south"),
        {"iata": "FFF", "latitude": "x", "meta": {"group": "east"}},
    ]
    reply = await both.post("airports?select=meta", items, prefer="handling=lenient")
    assert reply.status == 207
    assert reply.body["data"][0]["meta"]["group"] == "south"
    codes = reply.codes
    assert codes[1] == [(42201, "meta.group")]
    assert codes[2] == [(44101, "meta.group")]
    assert codes[3] == [(42203, "meta.group")]
    assert codes[4] == [(42203, "meta")]
    assert (44101, "meta.group") in codes[5]
    assert len(codes[5]) > 1
    assert [failure["rawData"] for failure in reply.body["failures"]] == items[1:]


async def test_a_token_of_no_group_may_name_any(service: Service) -> None:
    ok = _airport("AAA", meta={"group": "anything"})
    saved = await service.post("airports?select=meta", ok)
    assert saved.body["data"][0]["meta"]["group"] == "anything"
    wrong = [
        _airport("BBB", meta={"group": ""}),
        _airport("CCC", meta={"group": "x" * 256}),
        _airport("DDD", meta={"group": "a\0b"}),
    ]
    reply = await service.post("airports", wrong)
    assert [reply.codes[index][0] for index in range(3)] == [
        (42206, "meta.group"),
        (42206, "meta.group"),
        (42209, "meta.group"),
    ]


def _incompressible(size: int, seed: int) -> str:
    """Text that PostgreSQL does not make shorter before it is indexed."""
    return "".join(random.Random(seed).choices(ascii_letters + digits, k=size))


async def test_the_longest_names_are_indexed(service: Service, operator: Pool) -> None:
    account, group = _incompressible(255, 1), _incompressible(MAX_GROUP_BYTES, 2)
    _, token = await create_token(operator, account, "longest", groups=[group])
    client = Service(service.client, token)
    key = _incompressible(MAX_INDEXED_BYTES, 3)
    saved = await client.post("people?select=meta", {"name": key})
    assert saved.status == 201, saved.body
    assert [item["meta"]["group"] for item in saved.body["data"]] == [group]
    (found,) = (await client.get("people")).body["data"]
    assert found["name"] == key


async def test_a_group_of_before_the_limit_is_refused_before_it_is_accepted(
    service: Service, operator: Pool
) -> None:
    """What no index could hold would fail once it is committed."""
    id_, token = await create_token(operator, "acme", "old", groups=["short"])
    long = _incompressible(3000, 4)
    async with operator.connection() as connection:
        await connection.execute("UPDATE ingest.tokens SET groups = $2 WHERE id = $1", id_, [long])
    client = Service(service.client, token)
    for meta in ({}, {"meta": {"group": long}}):
        reply = await client.post("airports", _airport("AAA", **meta))
        assert (reply.status, reply.codes) == (422, {0: [(42206, "meta.group")]})
    assert (await client.get("airports")).body["data"] == []


async def test_items_of_other_groups_are_unseen(service: Service, confined: Confined) -> None:
    north, south = await confined("north"), await confined("south")
    both = await confined("north", "south")
    await north.post("airports", [_airport("AAA"), _airport("BBB")])
    await south.post("airports", _airport("CCC"))
    await service.post("airports", _airport("DDD"))
    for client, codes in (
        (north, ["AAA", "BBB"]),
        (south, ["CCC"]),
        (both, ["AAA", "BBB", "CCC"]),
        (service, ["AAA", "BBB", "CCC", "DDD"]),
    ):
        listed = await client.get("airports")
        assert _codes(listed) == codes
        assert listed.body["metadata"]["recordsCount"] == len(codes)
        assert await client.count("airports", city="X") == len(codes)
        for code in ("AAA", "BBB", "CCC", "DDD"):
            status = (await client.get(f"airports/{code}")).status
            assert status == (200 if code in codes else 404)


async def test_items_of_other_groups_cannot_be_changed(
    service: Service, confined: Confined
) -> None:
    north, south = await confined("north"), await confined("south")
    await south.post("airports", _airport("AAA"))
    await service.post("airports", _airport("BBB"))
    other = {0: [(44101, "iata")], 1: [(44101, "iata")]}
    items = [{"iata": "AAA", "city": "Y"}, {"iata": "BBB", "city": "Y"}]
    assert (await north.patch("airports", items)).codes == other
    assert (await north.delete("airports", ["AAA", "BBB"])).codes == other
    # Its version and what it holds are not shown either.
    stale = {"iata": "AAA", "city": "Y", "meta": {"version": 9}}
    assert (await north.patch("airports", stale)).codes == {0: [(44101, "iata")]}
    for resolution in ("merge-duplicates", "ignore-duplicates"):
        reply = await north.post("airports", _airport("AAA"), prefer=f"resolution={resolution}")
        assert (reply.status, reply.codes) == (422, {0: [(44101, "iata")]})
        assert "data" not in reply.body
    assert (await north.post("airports", _airport("AAA"))).codes == {0: [(40903, "iata")]}
    assert (await service.get("airports/AAA")).body["data"]["city"] == "X"


async def test_lenient_writes_and_dry_runs_know_groups(
    service: Service, confined: Confined, operator: Pool
) -> None:
    north, south = await confined("north"), await confined("south")
    await south.post("contacts", contact(1))
    await north.post("contacts", contact(2))
    items = [{"email": contact(1)["email"], "age": 5}, {"email": contact(2)["email"], "age": 5}]
    path = "contacts?matching=email"
    dry = await north.patch(f"{path}&dryRun=true", items)
    assert dry.codes == {0: [(44101, "email")]}
    reply = await north.patch(path, items, prefer="handling=lenient")
    assert (reply.status, reply.codes) == (207, {0: [(44101, "email")]})
    assert [item.get("age") for item in (await service.get("contacts")).body["data"]] == [None, 5]
    gone = await north.delete(path, [each["email"] for each in items], prefer="handling=lenient")
    assert (gone.status, gone.codes) == (207, {0: [(44101, "email")]})
    assert await stored(operator, "collections.contacts") == 1


async def test_what_is_unseen_is_not_found_by_a_field_that_is_not_unique(
    service: Service, confined: Confined
) -> None:
    """Otherwise dry runs would find out what values the items of others have."""
    north, south = await confined("north"), await confined("south")
    await north.post("airports", [_airport("NNN"), _airport("NNO", name="two")])
    await north.post("airports", _airport("NNP", name="two"))
    await south.post("airports", [_airport("SAA", name="NNN"), _airport("SBB", name="theirs")])
    await service.post("airports", [_airport("ZAA", name="NNN"), _airport("ZBB", name="theirs")])
    path = "airports?matching=name"

    def change(name: str) -> dict[str, Any]:
        return {"name": name, "city": "Y"}

    items = [change(name) for name in ("NNN", "two", "theirs", "nobody")]
    errors = [[], [(43501, "name")], [(40403, "name")], [(40403, "name")]]
    found = {index: each for index, each in enumerate(errors) if each}
    changed = await north.patch(path, items, prefer="handling=lenient")
    assert (changed.status, changed.codes) == (207, found)
    assert _codes(changed) == ["NNN"]
    upserted = await north.post(
        f"{path}&dryRun=true",
        [_airport("XXX", name="theirs")],
        prefer="resolution=merge-duplicates",
    )
    assert upserted.body["metadata"]["created"] == 1
    gone = await north.delete(path, [each["name"] for each in items], prefer="handling=lenient")
    assert (gone.status, gone.codes) == (207, found)
    left = ["NNO", "NNP", "SAA", "SBB", "ZAA", "ZBB"]
    assert _codes(await service.get("airports")) == left
    assert (await service.get("airports?city=Y")).body["data"] == []
    # A caller that sees all of them finds two.
    both = await service.patch(path, change("NNN"))
    assert both.codes == {0: [(43501, "name")]}


async def test_the_group_of_an_item_stays(service: Service, confined: Confined) -> None:
    await service.post("airports", _airport("AAA", meta={"group": "north"}))
    shown = (await service.get("airports/AAA?select=meta")).body["data"]
    changed = {**shown, "city": "Y", "meta": {**shown["meta"], "group": "south"}}
    assert (await service.patch("airports", changed)).status == 200
    assert (await service.get("airports/AAA?select=meta")).body["data"]["meta"]["group"] == "north"


async def test_batches_of_other_groups_are_unseen(service: Service, confined: Confined) -> None:
    north, south = await confined("north"), await confined("south")
    both = await confined("north", "south")
    batches = {
        name: (await client.post("airports", _airport(name, meta={"group": group}))).body[
            "metadata"
        ]["batchId"]
        for name, client, group in (
            ("AAA", north, "north"),
            ("BBB", south, "south"),
            ("CCC", both, "south"),
            ("DDD", service, "north"),
        )
    }
    for client, seen in ((north, "A"), (south, "B"), (both, "ABC"), (service, "ABCD")):
        ids = {batches[letter * 3] for letter in seen}
        listed = await client.get("batches")
        assert {batch["id"] for batch in listed.body["data"]} == ids
        assert listed.body["metadata"]["recordsCount"] == len(ids)
        for batch in batches.values():
            status = (await client.get(f"batches/{batch}")).status
            assert status == (200 if batch in ids else 404)
            for part in ("failures", "digest"):
                status = (await client.get(f"batches/{batch}/{part}")).status
                assert status == (200 if batch in ids else 404)


async def test_a_key_of_another_group_returns_nothing(service: Service, confined: Confined) -> None:
    north, south = await confined("north"), await confined("south")
    item = _airport("AAA")
    first = await north.post("airports", item, idempotency_key="k")
    assert first.status == 201
    for replay in ("", "replay=return"):
        reply = await south.post("airports", item, idempotency_key="k", prefer=replay)
        assert (reply.status, reply.error) == (422, (42220, "idempotency_mismatch"))
    again = await (await confined("north")).post("airports", item, idempotency_key="k")
    assert (again.status, again.error) == (409, (40901, "idempotency_replayed"))


async def test_groups_are_committed_together_and_kept_apart(
    api: Service, confined: Confined, committer: Committer
) -> None:
    """Batches of several senders that wait together, as a worker finds them when it starts."""
    clients = [await confined("north"), await confined("south"), api]
    locations = []
    for number in range(9):
        client = clients[number % 3]
        item = _airport(f"{'ABCDEFGHI'[number]}AA")
        reply = await client.post("airports", item, prefer="respond-async")
        locations.append((client, reply.headers["Location"]))
    await committer.commit_pending("acme", "airports")
    for client, location in locations:
        assert (await finished(client, location))["state"] == "committed"
    groups = [
        item["meta"]["group"] for item in (await api.get("airports?select=meta")).body["data"]
    ]
    assert groups == ["north", "south", None] * 3
