"""GET of a list and of one item (contract 2, Endpoints)."""

from urllib.parse import quote

from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.api.shared import contact, exchange, head
from tests.api.test_writes import FRA
from tests.harness import Service

UNKNOWN = "0191d7a0-0000-7000-8000-000000000001"


async def test_an_empty_list(api: Service) -> None:
    reply = await api.get("contacts")
    assert (reply.status, reply.body["result"]) == (200, "success")
    assert reply.body["data"] == []
    assert reply.body["metadata"] == {
        "page": 1,
        "pagesCount": 0,
        "recordsPerPage": 100,
        "recordsCount": 0,
    }


async def test_lists_are_ordered_by_key_and_paged(service: Service) -> None:
    codes = ["b", "C", "a", "ä", "B", "aa", "10", "9"]
    await service.post("seats", [{"code": code} for code in codes])
    ordered = sorted(codes, key=str.encode)
    for limit in (1, 3, 8, 1000):
        seen = []
        for offset in range(0, 8, limit):
            reply = await service.get("seats", params={"limit": limit, "offset": offset})
            seen += [item["code"] for item in reply.body["data"]]
            assert reply.body["metadata"] == {
                "page": offset // limit + 1,
                "pagesCount": -(-8 // limit),
                "recordsPerPage": limit,
                "recordsCount": 8,
                **({"next": seen[-1]} if len(seen) < 8 else {}),
            }
        assert seen == ordered
    past = await service.get("seats", params={"offset": 5, "limit": 2})
    assert past.body["metadata"]["page"] == 3
    beyond = await service.get("seats", params={"offset": 2**63 - 1})
    assert (beyond.status, beyond.body["data"]) == (200, [])
    assert beyond.body["metadata"]["recordsCount"] == 8


async def test_pages_of_groups_are_of_the_same_range(service: Service, operator: Pool) -> None:
    await service.post("seats", [{"code": code, "meta": {"group": "north"}} for code in "abc"])
    _, token = await create_token(operator, "acme", "north", groups=["north", "south"])
    confined = Service(service.client, token)
    for limit in (1, 1000):
        for offset in (2**63 - 1 - limit, 2**63 - limit, 2**63 - 1):
            reply = await confined.get("seats", params={"limit": limit, "offset": offset})
            assert (reply.status, reply.body["data"]) == (200, [])
            assert reply.body["metadata"]["recordsCount"] == 3
    page = await confined.get("seats", params={"limit": 2, "offset": 1})
    assert [item["code"] for item in page.body["data"]] == ["b", "c"]


async def test_numbers_are_ordered_as_numbers(service: Service) -> None:
    await service.post("everything", [{"code": code} for code in (10, -5, 9, 2**63 - 1, 0)])
    reply = await service.get("everything")
    assert [item["code"] for item in reply.body["data"]] == [-5, 0, 9, 10, 2**63 - 1]


NO_PAGES = {
    "limit": ("0", "1001", "-1", "x", "", "1.5", "1e2", "٣", " 1"),
    "offset": ("-1", "x", "", "9223372036854775808", "+1", "1_0"),
}


async def test_a_page_that_cannot_be_is_refused(api: Service) -> None:
    for parameter, values in NO_PAGES.items():
        for value in values:
            reply = await api.get("contacts", params={parameter: value})
            assert (reply.status, reply.error) == (400, (40002, "invalid_parameter")), value
            assert repr(parameter) in reply.body["message"]


async def test_more_than_a_hundred_are_shown_only_when_asked_for(service: Service) -> None:
    assert (await service.post("contacts", [contact(n) for n in range(101)])).status == 201
    assert len((await service.get("contacts")).body["data"]) == 100
    assert len((await service.get("contacts?limit=101")).body["data"]) == 101
    assert await service.count("contacts") == 101


async def test_counts_follow_what_is_saved_and_deleted(service: Service) -> None:
    await service.post("airports", [{**FRA, "iata": code} for code in ("FRA", "JFK", "OSL")])
    assert await service.count("airports") == 3
    await service.post("airports", [{**FRA, "iata": "LHR"}, FRA])  # a conflict saves nothing
    assert await service.count("airports") == 3
    await service.delete("airports", ["OSL", "FRA"])
    assert await service.count("airports") == 1
    assert await service.count("airports", country="Germany") == 1
    assert await service.count("airports", country="France") == 0


KEYS = [
    "jim@example.com",
    "a b",
    "a+b",
    "a/b",
    "/",
    "a%2Fb",
    "50%",
    "ä/ö",
    "日本",
    "q?x=1#frag",
    "a:b;c,d=e&f",
    "'\"\\<>",
    "a.b.c",
    "..",
    ".",
    "schematic",
    "meta",
    "tab\there",
    "new\nline",
    "x" * 2000,
    "null",
    "%00",
]


async def test_keys_of_odd_characters_are_found(service: Service) -> None:
    reply = await service.post("people", [{"name": key} for key in KEYS])
    assert reply.status == 201, reply.body
    for key in KEYS:
        path = f"/v1/people/{quote(key, safe='').replace('.', '%2E')}"
        found = await exchange(service, head(service, method="GET", path=path))
        assert found.status == 200, key
        assert found.body["data"] == {"name": key, "born": None}


async def test_what_need_not_be_escaped_may_be_plain(service: Service) -> None:
    plain = ["jim@example.com", "a:b;c,d=e&f", "a+b", "(x)", "a'b", "~!$*"]
    await service.post("people", [{"name": key} for key in plain])
    for key in plain:
        found = await exchange(service, head(service, method="GET", path=f"/v1/people/{key}"))
        assert found.body["data"]["name"] == key


async def test_schema_is_never_a_key(service: Service) -> None:
    await service.post("people", {"name": "schema"})
    reply = await service.get("people/schema")
    assert reply.body.get("data") != {"name": "schema", "born": None}


async def test_one_item_is_an_object(service: Service) -> None:
    await service.post("airports", FRA)
    reply = await service.get("airports/FRA")
    assert (reply.status, reply.body["result"]) == (200, "success")
    assert reply.body["data"] == {**FRA, "city": None, "state": None}
    assert (await service.get("airports")).body["data"] == [reply.body["data"]]


ABSENT = [
    f"contacts/{UNKNOWN}",
    "contacts/not-a-uuid",
    "contacts/me%00ta",
    "airports/FRA",
    "everything/x",
    "everything/9223372036854775808",
    "everything/1.0",
    "everything/1_0",
    "everything/٣",
    "people/" + "x" * 3000,
]


async def test_an_item_that_is_not_there(api: Service) -> None:
    for path in ABSENT:
        reply = await api.get(path)
        assert (reply.status, reply.error) == (404, (40403, "item_not_found")), path


async def test_a_key_is_found_in_any_way_of_writing_it(service: Service) -> None:
    await service.post("contacts", {**contact(1), "id": UNKNOWN})
    assert (await service.get(f"contacts/{UNKNOWN.upper()}")).status == 200


async def test_head_answers_as_get_without_a_body(api: Service) -> None:
    reply = await api.request("HEAD", "/v1/contacts")
    assert (reply.status, reply.body) == (200, None)
