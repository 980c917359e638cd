"""Summaries in answers: where `select` names them, and after a write in the dialect hash."""

from typing import Any

import pytest

from ingest.access.rights import parse_grants
from ingest.dialects import DIALECTS
from ingest.store.pool import Pool
from ingest.store.roles import create_role
from ingest.store.tokens import create_token
from tests.harness import Reply, Service
from tests.store.conflicting import ID, contact

HASH = "application/json; dialect=hash"
NO_STATUSES = [{"name": name, "count": 0} for name in ("customer", "former", "lead", "prospect")]
SUMMARIES = {"tags", "statuses", "sales"}


def tags(**counts: int) -> list[dict[str, Any]]:
    return [{"name": name, "count": count} for name, count in counts.items()]


def statuses(**counts: int) -> list[dict[str, Any]]:
    return [{**each, "count": counts.get(each["name"], 0)} for each in NO_STATUSES]


def shown(reply: Reply) -> dict[str, Any]:
    return {name: reply.body[name] for name in reply.body if name in SUMMARIES}


async def test_h16_h18_select_adds_them_to_lists_items_and_writes(service: Service) -> None:
    path = "contacts?select=statuses, tags"
    two = [contact(1, tags=["b", "a", "a"], status="lead"), contact(2, tags=["b"])]
    both = {"tags": tags(a=1, b=2), "statuses": statuses(lead=1)}
    assert shown(await service.post(path, two)) == both
    assert shown(await service.get(path)) == both
    assert shown(await service.get("contacts?select=tags&limit=1")) == {"tags": tags(a=1, b=2)}
    assert shown(await service.get(f"contacts/{ID(1)}?select=tags,statuses")) == both
    changed = await service.patch(path, [{"id": ID(2), "status": "customer", "tags": []}])
    assert shown(changed) == {"tags": tags(a=1, b=1), "statuses": statuses(lead=1, customer=1)}
    gone = await service.delete(path, [ID(1), ID(2)])
    assert gone.status == 200
    assert shown(gone) == {"tags": [], "statuses": NO_STATUSES}


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
async def test_h18_select_adds_them_in_every_dialect(service: Service, dialect: str) -> None:
    path, accept = "contacts.json?select=tags", f"application/json; dialect={dialect}"
    for count, prefer in enumerate(("", "return=minimal"), start=1):
        saved = await service.post(path, [contact(count, tags=["a"])], accept=accept, prefer=prefer)
        assert saved.body["tags"] == tags(a=count)
    for read in (path, path.replace(".json", f"/{ID(1)}.json")):
        assert shown(await service.get(read, accept=accept)) == {"tags": tags(a=2)}


async def test_h18_h21_without_select_the_default_dialect_has_none(service: Service) -> None:
    saved = await service.post("contacts", [contact(1, tags=["a"])])
    assert (saved.status, shown(saved)) == (201, {})
    item = saved.body["data"][0]
    assert item["tags"] == ["a"]
    assert shown(await service.get("contacts")) == {}
    # Here it is the field that is left out.
    reply = await service.get("contacts?select=-tags")
    assert shown(reply) == {}
    assert reply.body["data"] == [{name: item[name] for name in item if name != "tags"}]


async def test_h21_what_a_collection_does_not_declare_cannot_be_selected(service: Service) -> None:
    for path in ("contacts?select=sales", "airports?select=tags", "deals?select=statuses"):
        reply = await service.get(path)
        assert (reply.status, reply.error) == (400, (40002, "invalid_parameter"))


async def test_h18_a_failed_write_and_a_dry_run_show_what_is_stored(service: Service) -> None:
    await service.post("contacts", [contact(1, tags=["a"])])
    failed = await service.post("contacts?select=tags", [contact(2, tags=["b"]), {"email": "x"}])
    assert (failed.status, shown(failed)) == (422, {"tags": tags(a=1)})
    dry = await service.post("contacts?select=tags&dryRun=true", [contact(2, tags=["b"])])
    assert (dry.status, shown(dry)) == (200, {"tags": tags(a=1)})
    lenient = await service.post(
        "contacts?select=tags", [contact(2, tags=["b"]), {"email": "x"}], prefer="handling=lenient"
    )
    assert (lenient.status, shown(lenient)) == (207, {"tags": tags(a=1, b=1)})


async def test_h15_h17_h18_hash_shows_them_after_every_write_that_changed_something(
    service: Service,
) -> None:
    saved = await service.post("contacts", [contact(1, tags=["a"], status="lead")], accept=HASH)
    assert saved.body["status"] == 0
    assert shown(saved) == {"tags": tags(a=1), "statuses": statuses(lead=1)}
    unchanged = await service.patch("contacts", [{"id": ID(1), "status": "lead"}], accept=HASH)
    assert (unchanged.body["status"], shown(unchanged)) == (0, {})
    failed = await service.post("contacts", [contact(1)], accept=HASH)
    assert (failed.body["status"] != 0, shown(failed)) == (True, {})
    assert shown(await service.get("contacts", accept=HASH)) == {}
    dry = await service.delete("contacts?dryRun=true", [ID(1)], accept=HASH)
    assert (dry.body["status"], shown(dry)) == (0, {})
    asked = await service.get("contacts?select=tags", accept=HASH)
    assert shown(asked) == {"tags": tags(a=1)}
    # The last use of a tag goes: the element is there, and empty.
    gone = await service.delete("contacts", [ID(1)], accept=HASH, prefer="return=minimal")
    assert set(gone.body) == {"timestamp", "status", "message", "tags", "statuses"}
    assert shown(gone) == {"tags": [], "statuses": NO_STATUSES}


async def test_h20_h18_sales_after_a_write(service: Service) -> None:
    deals = [
        {"title": "A", "value": "10.00", "stage": "won"},
        {"title": "B", "value": "20.00", "stage": "won"},
        {"title": "C", "value": "5", "currency": "USD"},
    ]
    saved = await service.post("deals", deals, accept=HASH)
    assert shown(saved) == {
        "sales": [
            {"currency": "EUR", "stage": "won", "count": 2, "value": "30.00"},
            {"currency": "USD", "stage": "lead", "count": 1, "value": "5"},
        ]
    }
    airport = {"iata": "FRA", "name": "F", "city": "F", "country": "DE"}
    other = await service.post(
        "airports", [{**airport, "latitude": 1, "longitude": 2}], accept=HASH
    )
    assert (other.body["status"], shown(other)) == (0, {})


@pytest.mark.parametrize(
    ("extension", "empty"), [("xml", b"<tags"), ("yaml", b"tags: []"), ("json", b'"tags":[]')]
)
async def test_h02_h17_an_empty_summary_is_there_in_every_format(
    service: Service, extension: str, empty: bytes
) -> None:
    async with service.client.get(
        f"/v1/contacts.{extension}?select=tags",
        headers={"Authorization": f"Bearer {service.token}"},
    ) as response:
        assert response.status == 200
        assert empty in await response.read()


async def test_h16_a_token_of_a_group_counts_its_own_items(
    service: Service, operator: Pool
) -> None:
    _, token = await create_token(operator, "acme", "north", groups=["north"])
    await service.post("contacts", [contact(1, tags=["a"], status="lead")])
    path = "contacts?select=tags,statuses"
    saved = await service.post(path, [contact(2, tags=["a", "b", "b"])], token=token)
    assert shown(saved) == {"tags": tags(a=1, b=1), "statuses": NO_STATUSES}
    assert shown(await service.get(path)) == {
        "tags": tags(a=2, b=1),
        "statuses": statuses(lead=1),
    }


async def test_h16_a_token_that_may_not_read_sees_none(service: Service, operator: Pool) -> None:
    await create_role(operator, "sender", parse_grants(["contacts=create"]))
    _, token = await create_token(operator, "acme", "sender", role="sender")
    for accept in (HASH, "application/json"):
        items = [{"email": f"{len(accept)}@example.com", "first_name": "A", "tags": ["a"]}]
        saved = await service.post("contacts?select=tags", items, token=token, accept=accept)
        assert (saved.status in (200, 201), shown(saved)) == (True, {})
    assert shown(await service.get("contacts?select=tags")) == {"tags": tags(a=2)}
