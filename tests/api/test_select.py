"""`select`: what answers show of items (document 004, D04 to D07)."""

import asyncio
import datetime as dt
import json
from typing import Any

import pytest

from ingest.dialects import DIALECTS
from ingest.store.pool import Pool
from tests.api.shared import ANN, JIM, stored
from tests.harness import Reply, Service

CONTACT = {"city": "Bonn", "zip": "53111"}
BO = {"name": "Bo", "phone": "+49 1", "contact": CONTACT}
SHOWN = {"name": "Bo", "phone": "+49 1"}


async def read_each_way(service: Service, collection: str, key: Any, select: str) -> Any:
    """The item as a list, a GET of itself, and a write that changes nothing show it."""
    params = {"select": select}
    identity = "name" if collection == "clients" else "id"
    listed = await service.get(collection, params=params)
    item = await service.get(f"{collection}/{key}", params=params)
    written = await service.patch(collection, [{identity: key}], params=params)
    assert [reply.status for reply in (listed, item, written)] == [200, 200, 200]
    assert listed.body["data"] == [item.body["data"]] == written.body["data"]
    return item.body["data"]


async def test_d04_an_optional_part_is_shown_only_when_select_names_it(service: Service) -> None:
    created = await service.post("clients", [BO])
    assert created.body["data"] == [SHOWN]
    assert await read_each_way(service, "clients", "Bo", "") == SHOWN
    assert await read_each_way(service, "clients", "Bo", "contact") == BO
    assert (await service.get("clients")).body["data"] == [SHOWN]
    assert (await service.get("clients/Bo")).body["data"] == SHOWN
    deleted = await service.delete("clients", ["Bo"], params={"select": "contact"})
    assert deleted.body["data"] == [BO]


async def test_d05_select_meta_shows_when_an_item_was_made_and_changed(service: Service) -> None:
    created = await service.post("clients", [BO], params={"select": "meta"})
    [item] = created.body["data"]
    changed = await service.patch("clients", [{"name": "Bo", "phone": "+49 2"}])
    assert changed.body["data"] == [{"name": "Bo", "phone": "+49 2"}]
    shown = await read_each_way(service, "clients", "Bo", "meta")
    assert {name: value for name, value in shown.items() if name != "meta"} == {
        "name": "Bo",
        "phone": "+49 2",
    }
    made, updated = (
        dt.datetime.fromisoformat(shown["meta"][name]) for name in ("createdAt", "updatedAt")
    )
    assert made.utcoffset() == updated.utcoffset() == dt.timedelta(0)
    assert made <= updated
    assert item["meta"]["createdAt"] == shown["meta"]["createdAt"]
    assert "meta" not in await read_each_way(service, "clients", "Bo", "contact")


async def test_d06_the_documents_example_excludes_what_is_not_there(service: Service) -> None:
    await service.post("clients", [BO])
    assert await read_each_way(service, "clients", "Bo", "contact,-meta") == BO


async def test_d06_a_field_is_left_out_and_still_saved(service: Service, operator: Pool) -> None:
    created = await service.post("contacts", [ANN], params={"select": "-email,-id,-tags"})
    [item] = created.body["data"]
    assert (item["first_name"], item["age"]) == (ANN["first_name"], ANN["age"])
    assert not {"email", "id", "tags"} & item.keys()
    async with operator.connection() as connection:
        row = await connection.fetchrow("SELECT id, email, tags FROM collections.contacts")
    assert row is not None
    assert (row["email"], row["tags"]) == (ANN["email"], '["a", "b"]')
    whole = (await service.get(f"contacts/{row['id']}")).body["data"]
    left = await read_each_way(service, "contacts", str(row["id"]), "-email")
    assert left == {name: value for name, value in whole.items() if name != "email"}
    matched = await service.patch(
        "contacts",
        [{"email": ANN["email"], "age": 42}],
        params={"select": "-email", "matching": "email"},
    )
    assert matched.body["data"] == [left | {"age": 42}]


@pytest.mark.parametrize("accept", ["application/xml", "application/yaml"])
async def test_d06_a_field_is_left_out_in_every_format(service: Service, accept: str) -> None:
    await service.post("clients", [BO])
    path, headers = "/v1/clients?select=-phone", {"Authorization": f"Bearer {service.token}"}
    async with service.client.get(path, headers=headers | {"Accept": accept}) as response:
        text = await response.text()
    assert response.status == 200
    assert "Bo" in text
    assert "phone" not in text
    assert "Bonn" not in text


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_d04_d06_select_means_the_same_in_every_dialect(
    service: Service, dialect: str
) -> None:
    options: dict[str, Any] = {
        "params": {"select": "contact,-phone,-meta"},
        "accept": f"application/json; dialect={dialect}",
    }
    replies = [
        await service.post("clients.json", [BO], **options),
        await service.get("clients.json", **options),
        await service.get("clients/Bo.json", **options),
        await service.delete("clients.json", ["Bo"], **options),
    ]
    told = [json.dumps(reply.body) for reply in replies]
    assert {reply.status // 100 for reply in replies} == {2}
    for text in told:
        assert BO["phone"] not in text
        assert "createdAt" not in text
    shows = 0 if dialect == "rpc" else 1  # which tells the keys of what it has written
    assert [text.count("Bonn") for text in told] == [shows, 1, 1, shows]


async def test_d06_select_on_the_put_of_one_item(service: Service) -> None:
    await service.post("clients", [BO])
    put = await service.request(
        "PUT",
        "/v1/clients/Bo",
        {"phone": "+49 3"},
        params={"select": "contact,-name"},
        accept="application/json; dialect=data",
    )
    assert (put.status, put.body["data"]) == (200, {"phone": "+49 3", "contact": CONTACT})


async def test_a_name_of_both_adds_the_summary_and_excludes_the_field(service: Service) -> None:
    await service.post("contacts", [ANN])
    both = [{"name": "a", "count": 1}, {"name": "b", "count": 1}]
    for select, summary, field in (
        ("tags", both, ANN["tags"]),
        ("-tags", None, None),
        ("-tags,tags", both, ANN["tags"]),
        ("tags,-tags", None, None),
    ):
        reply = await service.get("contacts", params={"select": select})
        [item] = reply.body["data"]
        assert (reply.body.get("tags"), item.get("tags")) == (summary, field)


async def test_optional_parts_are_not_shown_where_no_select_is_taken(service: Service) -> None:
    await service.post("clients", [BO])
    got = await service.request(
        "POST", "/api/v1.1/clients/get", {"token": service.token, "name": "Bo", "matching": "name"}
    )
    assert (got.body["error"], got.body["data"]) == (0, SHOWN)


async def test_d06_fields_in_other_forms_and_under_other_names(service: Service) -> None:
    item = {"code": 1, "the text": "t", "decimal": "1.50", "renamed": "r", "secret": "s"}
    await service.post("everything", [item])
    whole = (await service.get("everything/1")).body["data"]
    left = (await service.get("everything/1?select=-the text,-renamed,-xmin")).body["data"]
    gone = ("the text", "renamed", "xmin")
    assert left == {name: value for name, value in whole.items() if name not in gone}
    assert whole["decimal"] == left["decimal"]
    posted = await service.post(
        "everything", [item | {"code": 2}], params={"select": "-the text,-renamed,-xmin"}
    )
    assert posted.body["data"] == [left | {"code": 2}]


async def test_d06_every_field_can_be_left_out(service: Service) -> None:
    await service.post("clients", [BO])
    assert await read_each_way(service, "clients", "Bo", "-name,-phone") == {}
    meta = await read_each_way(service, "clients", "Bo", "-name,-phone,meta")
    assert list(meta) == ["meta"]


async def test_d07_the_last_one_wins_and_blanks_do_not_count(service: Service) -> None:
    await service.post("clients", [BO])
    assert await read_each_way(service, "clients", "Bo", "meta,-meta") == SHOWN
    assert await read_each_way(service, "clients", "Bo", "-phone,phone") == SHOWN
    assert await read_each_way(service, "clients", "Bo", " contact , -phone ,, ") == {
        "name": "Bo",
        "contact": CONTACT,
    }


async def test_d07_an_unknown_name_is_refused_and_nothing_is_saved(
    service: Service, operator: Pool
) -> None:
    params = {"select": "meta,colour"}
    replies = [
        await service.get("clients", params=params),
        await service.get("clients/Bo", params=params),
        await service.post("clients", [BO], params=params),
        await service.post("clients", [BO], params=params | {"dryRun": "true"}),
        await service.patch("clients", [BO], params=params),
        await service.delete("clients", ["Bo"], params=params),
    ]
    for reply in replies:
        assert (reply.status, reply.error) == (400, (40002, "invalid_parameter"))
        assert "'colour'" in reply.body["message"]
        assert "meta, name, phone, contact" in reply.body["error"]["description"]
    assert await stored(operator, "collections.clients") == 0
    other = await service.get("seats", params={"select": "contact"})
    assert other.error == (40002, "invalid_parameter")


async def test_a_load_only_field_is_hidden_whatever_select_says(service: Service) -> None:
    params = {"select": "meta,text"}
    posted = await service.post(
        "notes", [{"title": "a", "text": "b", "secret": "zsecretz"}], params=params
    )
    for reply in (posted, await service.get("notes", params=params)):
        [item] = reply.body["data"]
        assert item.keys() == {"id", "title", "text", "meta"}
    for name in ("secret", "-secret"):
        refused = await service.get("notes", params={"select": name})
        assert refused.error == (40002, "invalid_parameter")


async def test_a_schema_that_dumps_items_as_a_whole_sees_hidden_fields(service: Service) -> None:
    posted = await service.post("notes", [{"title": "a", "text": "four"}])
    [item] = posted.body["data"]
    assert item == {"id": item["id"], "title": "a: 4"}
    assert await read_each_way(service, "notes", item["id"], "text,-title") == {
        "id": item["id"],
        "text": "four",
    }


async def test_a_replay_and_the_batch_show_items_as_they_were_asked_for(service: Service) -> None:
    for collection, items, select, shown in (
        ("clients", [BO], "contact,-phone", {"name", "contact"}),
        ("notes", [{"title": "a", "text": "b"}], "text,-title", {"id", "text"}),
    ):
        options: dict[str, Any] = {"params": {"select": select}, "idempotency_key": collection}
        first = await service.post(collection, items, **options)
        again = await service.post(collection, items, prefer="replay=return", **options)
        batch = await service.get(f"batches/{first.body['metadata']['batchId']}")
        data = first.body["data"]
        assert [item.keys() for item in data] == [shown]
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.body["data"] == data
        assert batch.body["data"]["response"]["body"]["data"] == data


async def test_another_select_is_another_request(service: Service) -> None:
    await service.post("clients", [BO], idempotency_key="k", params={"select": "contact"})
    other = await service.post("clients", [BO], idempotency_key="k", params={"select": "-phone"})
    assert other.error == (42220, "idempotency_mismatch")


async def test_failures_show_the_item_as_it_was_received(service: Service) -> None:
    params = {"select": "-email,-first_name"}
    bad = await service.post("contacts", [{"email": "x", "first_name": "Jo"}], params=params)
    assert bad.body["failures"][0]["rawData"] == {"email": "x", "first_name": "Jo"}
    await service.post("contacts", [JIM])
    taken = await service.post("contacts", [JIM], params=params)
    assert taken.codes == {0: [(40903, "email")]}
    assert taken.body["failures"][0]["rawData"] == JIM


async def test_a_dry_run_takes_select_and_shows_no_items(service: Service) -> None:
    params = {"select": "contact,-phone,meta", "dryRun": "true"}
    reply = await service.post("clients", [BO], params=params)
    assert (reply.status, reply.body["metadata"]["created"]) == (200, 1)
    assert "data" not in reply.body


async def test_writes_at_once_are_each_shown_as_they_were_asked_for(service: Service) -> None:
    selects = {
        "": {"name", "phone"},
        "contact": set(BO),
        "-phone": {"name"},
        "meta": {"name", "phone", "meta"},
    }
    wanted = [(select, f"c{number}") for number in range(5) for select in selects]

    async def post(select: str, name: str) -> Reply:
        items = [BO | {"name": f"{name}{select}"}]
        return await service.post("clients", items, params={"select": select})

    replies = await asyncio.gather(*(post(*each) for each in wanted))
    for (select, name), reply in zip(wanted, replies, strict=True):
        assert reply.status == 201
        [item] = reply.body["data"]
        assert (item["name"], item.keys()) == (f"{name}{select}", selects[select])
