"""The dialect `hash` (document 000) over HTTP, by the numbers of its assertions."""

import datetime as dt
import json
from typing import Any

import pytest
from aiohttp import ClientSession

from ingest.store.pool import Pool
from ingest.store.quotas import set_quota
from ingest.store.tokens import create_token
from tests.api.shared import (
    ANN,
    BAD,
    JIM,
    NOTHING,
    READERS,
    configured,
    contact,
    stored,
    written,
)
from tests.harness import Reply, Service

TOP = {"timestamp", "status", "message", "data", "tags", "statuses", "sales", "notifications"}
KEY = "01933b2e-7c00-7000-8000-000000000000"
DEAL = {"title": "t", "value": "1"}


class Hash:
    """A client of the running service that was written from document 000."""

    def __init__(self, service: Service, token: str | None) -> None:
        self.service = service
        self._token = token

    async def __call__(
        self, method: str, path: str, items: Any = None, *, data: bytes | None = None, **more: str
    ) -> Reply:
        """One request; what it answers, which is a document of 000 or nothing."""
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        body = data if items is None else json.dumps(items).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        url = self.service.client.make_url("/").join(self.service.client.make_url(path))
        # aiohttp's own client session adds `Accept: */*`, as a browser or curl does.
        async with (
            ClientSession() as session,
            session.request(method, url, data=body, headers=headers) as response,
        ):
            content = await response.read()
            document = READERS[response.content_type](content) if content else None
            reply = Reply(response.status, response.headers, document)
        if document is not None:
            check(reply)
        return reply


def check(reply: Reply) -> None:
    """What holds of every document (H07, H08, H09, H11, H12)."""
    document = reply.body
    assert isinstance(document, dict)
    assert {"timestamp", "status", "message"} <= set(document) <= TOP
    moment = dt.datetime.fromisoformat(document["timestamp"])
    assert document["timestamp"].endswith("Z")
    assert abs((dt.datetime.now(dt.UTC) - moment).total_seconds()) < 5
    assert type(document["status"]) is int
    assert isinstance(document["message"], str)
    assert document["message"]
    assert "<" not in document["message"]
    assert document.get("notifications") != []
    if reply.status != 200:
        assert reply.status == 429 or reply.status >= 500
        assert document["status"] != 0


@pytest.fixture
async def ask(service: Service, operator: Pool) -> Hash:
    """A client whose token has the dialect."""
    _, token = await create_token(operator, "acme", "hash", dialect="hash")
    return Hash(service, token)


@pytest.fixture
def unknown(service: Service) -> Hash:
    """A client without a token."""
    return Hash(service, None)


def refusal(reply: Reply, code: int) -> None:
    assert (reply.status, reply.body["status"]) == (200, code), reply.body
    assert "data" not in reply.body


async def test_h01_h02_h03_x09_one_list_in_three_formats(ask: Hash) -> None:
    await ask("POST", "/api/contacts.json", [JIM, ANN, contact(3)])
    documents = []
    for extension in ("json", "xml", "yaml"):
        # The extension wins over what Accept names.
        reply = await ask("GET", f"/api/contacts.{extension}?limit=2", Accept="application/xml")
        assert reply.status == 200
        assert reply.headers["Content-Type"].partition(";")[0] == f"application/{extension}"
        assert reply.body.pop("timestamp")
        documents.append(reply.body)
    assert documents[0] == documents[1] == documents[2]
    assert documents[0]["status"] == 0
    assert documents[0]["message"] == "2 of 3 items"
    data = documents[0]["data"]
    assert {name: data[name] for name in data if name != "contacts"} == {
        "count": 3,
        "page": 1,
        "maxpage": 2,
    }
    assert len(data["contacts"]) == 2


async def test_h13_pages_of_a_list(ask: Hash) -> None:
    empty = await ask("GET", "/api/contacts.json")
    assert empty.body["data"] == {"count": 0, "page": 1, "maxpage": 0, "contacts": []}
    await ask("POST", "/api/contacts.json", [contact(number) for number in range(5)])
    seen = []
    for page in (1, 2, 3):
        reply = await ask("GET", f"/api/contacts.json?limit=2&offset={2 * (page - 1)}")
        data = reply.body["data"]
        assert (data["count"], data["page"], data["maxpage"]) == (5, page, 3)
        seen += [each["email"] for each in data["contacts"]]
    assert sorted(seen) == [f"c{number}@example.com" for number in range(5)]


async def test_h04_x03_the_path_chooses_without_any_dialect_of_the_token(
    service: Service, operator: Pool
) -> None:
    plain = Hash(service, service.token)
    made = await plain("POST", "/api/contacts.json", [JIM])
    assert (made.status, made.body["status"], made.body["message"]) == (200, 0, "1 created")
    [item] = made.body["data"]["contacts"]
    shown = await plain("GET", f"/api/contacts/{item['id']}.json")
    assert (shown.body["status"], shown.body["data"]) == (0, item)
    changed = await plain(
        "PATCH", "/api/contacts.yaml", [{"id": item["id"], "first_name": "James"}]
    )
    assert changed.body["data"]["contacts"][0]["first_name"] == "James"
    gone = await plain("POST", "/api/contacts:delete.xml", [item["id"]])
    assert (gone.body["status"], gone.body["message"]) == (0, "1 deleted")
    assert await stored(operator, "collections.contacts") == 0
    refusal(await plain("GET", f"/api/contacts/{item['id']}.json"), 40403)
    # The same document without the alias; and Accept wins over the path.
    listed = await plain("GET", "/v1/contacts.json", Accept="application/json; dialect=hash")
    assert listed.body["data"]["count"] == 0
    other = await service.request(
        "GET", "/api/contacts.json", Accept="application/json; dialect=collection"
    )
    assert (other.status, other.body["result"]) == (200, "success")


@pytest.mark.parametrize(
    "accept",
    [
        "application/json; dialect=hash",
        "application/json;dialect=HASH;q=0.5",
        "text/html, application/json; q=0.5; dialect=Hash",
    ],
)
async def test_x01_x05_accept_chooses(service: Service, accept: str) -> None:
    reply = await Hash(service, service.token)("GET", "/v1/contacts", Accept=accept)
    assert (reply.status, reply.body["status"]) == (200, 0)
    assert reply.headers["Content-Type"].partition(";")[0] == "application/json"
    assert reply.headers["Vary"] == "Accept, Authorization"


async def test_x01_xml_and_yaml_by_accept(service: Service) -> None:
    client = Hash(service, service.token)
    for media_type in ("application/xml", "application/yaml"):
        reply = await client("GET", "/v1/contacts", Accept=f"{media_type}; dialect=hash")
        assert reply.headers["Content-Type"].partition(";")[0] == media_type
        assert reply.body["data"]["count"] == 0
    reply = await client("GET", "/v1/contacts.yaml", Accept="*/*; dialect=hash")
    assert reply.headers["Content-Type"].partition(";")[0] == "application/yaml"


@pytest.mark.parametrize("accept", ["*/*", "application/*", "", "*/*; dialect=hash"])
async def test_h05_no_format_is_406_without_a_body(
    ask: Hash, unknown: Hash, operator: Pool, accept: str
) -> None:
    for client in (ask, unknown):
        for method, path, items in (
            ("GET", "/api/contacts", None),
            ("GET", "/api/contacts/1", None),
            ("POST", "/api/contacts", [JIM]),
            ("PATCH", "/api/contacts", [JIM]),
            ("DELETE", "/api/contacts", ["1"]),
            ("POST", "/api/contacts:delete", ["1"]),
        ):
            reply = await client(method, path, items, Accept=accept)
            assert (reply.status, reply.body) == (406, None), (method, path)
            assert reply.headers["Content-Length"] == "0"
    reply = await ask("POST", "/v1/contacts", [JIM], Accept=accept)
    assert (reply.status, reply.body) == (406, None)
    assert await written(operator) == NOTHING


async def test_h05_a_format_that_accept_names_is_explicit(ask: Hash) -> None:
    reply = await ask("POST", "/api/contacts", [JIM], Accept="application/yaml")
    assert reply.headers["Content-Type"].partition(";")[0] == "application/yaml"
    assert reply.body["message"] == "1 created"
    key = reply.body["data"]["contacts"][0]["id"]
    for accept in ("text/html, application/xml;q=0.9", "application/xml, */*"):
        reply = await ask("GET", f"/v1/contacts/{key}", Accept=accept)
        assert reply.headers["Content-Type"].partition(";")[0] == "application/xml"


@pytest.mark.parametrize("media_type", ["application/json", "application/xml", "application/yaml"])
async def test_h05_a_type_that_is_named_is_explicit_beside_a_better_range(
    ask: Hash, service: Service, media_type: str
) -> None:
    plain = Hash(service, service.token)
    for client, path, accept in (
        (plain, "/v1/contacts", f"{media_type};q=0.9, */*; dialect=hash"),
        (ask, "/v1/contacts", f"text/html, {media_type};q=0.5, */*;q=0.8"),
        (plain, "/api/contacts", f"*/*, {media_type};q=0.1, application/xml;q=0"),
    ):
        if media_type == "application/xml" and accept.endswith(";q=0"):
            continue
        reply = await client("GET", path, Accept=accept)
        assert (reply.status, reply.body["status"]) == (200, 0), accept
        assert reply.headers["Content-Type"].partition(";")[0] == media_type


@pytest.mark.parametrize("extension", ["txt", "JSON", "csv", "xyz", "ndjson", "json.txt", ""])
async def test_h06_another_format_is_406_without_a_body(
    ask: Hash, unknown: Hash, operator: Pool, extension: str
) -> None:
    for client in (ask, unknown):
        for method, items in (("GET", None), ("POST", [JIM]), ("PATCH", [JIM]), ("DELETE", ["1"])):
            reply = await client(method, f"/api/contacts.{extension}", items)
            assert (reply.status, reply.body) == (406, None), method
            assert reply.headers["Content-Length"] == "0"
    assert await written(operator) == NOTHING


async def test_h06_another_format_is_406_for_a_method_that_is_not_allowed(ask: Hash) -> None:
    for accept in ("*/*", "application/json"):
        for path in ("/api/contacts.txt", "/v1/contacts.csv"):
            reply = await ask("PUT", path, [JIM], Accept=accept)
            assert (reply.status, reply.body) == (406, None)
    for method, path in (
        ("TRACE", "/api/contacts.txt"),
        ("DELETE", "/api/batches.csv"),
        ("PATCH", "/v1/batches.JSON"),
        ("POST", f"/api/batches/{KEY}.txt"),
        ("GET", "/api/contacts:delete.txt"),
    ):
        reply = await ask(method, path, Accept="application/json")
        assert (reply.status, reply.body) == (406, None), path
        assert reply.headers["Content-Length"] == "0"
    refusal(await ask("PUT", "/api/contacts.json", [JIM]), 40501)
    # A key may have dots of its own.
    for path in ("/api/contacts.json", "/api/contacts/jim@example.com", "/api/batches.xml"):
        refusal(await ask("TRACE", path, Accept="application/json"), 40501)


async def test_h10_what_is_not_there_is_said_in_the_root_that_was_asked(ask: Hash) -> None:
    for path, root in (("/api/a/b/c.json", "/api/"), ("/v1/a/b/c.json", "/v1/")):
        reply = await ask("GET", path)
        refusal(reply, 40401)
        assert f"Collections are at {root}{{collection}}" in reply.body["message"]


async def test_h07_h29_h30_x08_errors_before_the_handler(
    ask: Hash, unknown: Hash, service: Service
) -> None:
    reply = await unknown("GET", "/api/contacts.json")
    refusal(reply, 40101)
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    reply = await Hash(service, "nonsense")("GET", "/api/contacts.xml")
    refusal(reply, 40102)
    assert reply.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    for client in (ask, unknown):
        reply = await client("PUT", "/api/contacts.json", [JIM])
        refusal(reply, 40501)
        assert reply.headers["Allow"] == "DELETE, GET, HEAD, PATCH, POST"
        refusal(await client("GET", "/api/contacts/1/2.yaml"), 40401)
    for path, accept in (("/api/nothing.json", "*/*"), ("/api/nothing", "application/json")):
        refusal(await ask("GET", path, Accept=accept), 40402)
    refusal(await ask("GET", "/api/contacts/nothing.json"), 40403)
    refusal(await ask("GET", "/api/batches/nothing.json"), 40404)
    refusal(await ask("GET", "/api/contacts.json?limit=1001"), 40002)
    quoting = await ask("GET", "/api/contacts.json?limit=<script>")
    refusal(quoting, 40002)
    assert "[script]" in quoting.body["message"]
    assert all(
        len(each.headers["X-Trace-Id"]) == 32 for each in (reply, await unknown("GET", "/api/x"))
    )


@configured(max_body=200)
async def test_h09_h29_errors_of_the_whole_request(ask: Hash, operator: Pool) -> None:
    refusal(await ask("POST", "/api/contacts.json", data=b"[{"), 40001)
    refusal(await ask("POST", "/api/contacts.json", data=b""), 40001)
    refusal(await ask("POST", "/api/contacts.json", data=b" " * 201), 41301)
    refusal(await ask("POST", "/api/contacts.json", data=b"[]", Content_Type="text/x"), 41501)
    refusal(await ask("POST", "/api/contacts.json", [], Prefer="handling=odd"), 40002)
    assert await written(operator) == NOTHING


@configured(rate_limit="1/hour")
async def test_h29_too_many_requests_keep_their_status(ask: Hash, operator: Pool) -> None:
    assert (await ask("POST", "/api/contacts.json", [JIM])).body["status"] == 0
    reply = await ask("POST", "/api/contacts.xml", [ANN])
    assert (reply.status, reply.body["status"]) == (429, 42901)
    assert int(reply.headers["Retry-After"]) >= 1
    assert await stored(operator, "collections.contacts") == 1


@configured(max_backlog_items=0)
async def test_h29_an_overload_keeps_its_status(ask: Hash, operator: Pool) -> None:
    reply = await ask("POST", "/api/contacts.json", [JIM])
    assert (reply.status, reply.body["status"]) == (503, 50301)
    assert "Retry-After" in reply.headers
    assert await written(operator) == NOTHING


async def test_h09_h13_a_bad_item_saves_nothing(ask: Hash, operator: Pool) -> None:
    reply = await ask("POST", "/api/contacts.yaml", [BAD, JIM])
    assert (reply.status, reply.body["status"]) == (200, 42204)
    assert reply.body["message"] == "1 of 2 items is invalid; nothing was saved"
    data = reply.body["data"]
    assert set(data) == {"batch", "received", "valid", "invalid", "failures"}
    assert (data["received"], data["valid"], data["invalid"]) == (2, [1], [0])
    [failure] = data["failures"]
    assert set(failure) == {"index", "data", "errors"}
    assert (failure["index"], failure["data"]) == (0, BAD)
    assert [(each["code"], each["field"]) for each in failure["errors"]] == [
        (42204, "email"),
        (42201, "first_name"),
    ]
    assert await stored(operator, "collections.contacts") == 0
    shown = await ask("GET", f"/api/batches/{data['batch']}.json")
    assert shown.body["status"] == 0
    assert shown.body["data"]["response"]["body"]["status"] == 42204
    for root in ("/api", "/v1"):  # the failures of a batch, which are sent while they are read
        path = f"{root}/batches/{data['batch']}/failures.json"
        failures = await ask("GET", path)
        assert failures.body["status"] == 0
        assert set(failures.body["data"]) == {"batch", "received", "failures"}
        assert failures.body["data"]["failures"][0]["rawData"] == BAD
    listed = await ask("GET", "/api/batches.json")
    assert [each["id"] for each in listed.body["data"]["batches"]] == [data["batch"]]


async def test_h09_what_the_database_refuses_is_no_success(ask: Hash, operator: Pool) -> None:
    await ask("POST", "/api/contacts.json", [JIM])
    reply = await ask("POST", "/api/contacts.json", [ANN, JIM])
    assert (reply.status, reply.body["status"]) == (200, 40903)
    assert reply.body["data"]["invalid"] == [1]
    reply = await ask("PATCH", "/api/contacts.json", [{"id": "0" * 8}])
    assert reply.body["status"] == 42204
    assert await stored(operator, "collections.contacts") == 1


async def test_h09_an_empty_array_is_a_success(ask: Hash) -> None:
    for method in ("POST", "PATCH", "DELETE"):
        reply = await ask(method, "/api/contacts.json", [])
        assert (reply.status, reply.body["status"]) == (200, 0)
        data = reply.body["data"]
        assert (data["received"], data["valid"], data["contacts"]) == (0, [], [])


async def test_h14_h15_a_minimal_answer_has_no_data(ask: Hash) -> None:
    made = await ask("POST", "/api/contacts.json", [JIM])
    for method, items in (
        ("POST", [ANN]),
        ("PATCH", [{"id": made.body["data"]["contacts"][0]["id"], "age": 3}]),
        ("DELETE", [made.body["data"]["contacts"][0]["id"]]),
    ):
        reply = await ask(method, "/api/contacts.json", items, Prefer="return=minimal")
        assert (reply.body["status"], "data" in reply.body) == (0, False)
        assert reply.headers["Preference-Applied"] == "return=minimal"


async def test_h15_h16_h17_h19_h20_h21_views_are_at_the_top_in_every_format(ask: Hash) -> None:
    for extension in ("json", "xml", "yaml"):
        people = [contact(1, tags=["b", "a", "a"], status="lead"), contact(2, tags=["b"])]
        made = await ask("POST", f"/api/contacts.{extension}", people)
        assert made.body["tags"] == [{"name": "a", "count": 1}, {"name": "b", "count": 2}]
        assert {each["name"]: each["count"] for each in made.body["statuses"]}["lead"] == 1
        keys = [each["id"] for each in made.body["data"]["contacts"]]
        asked = await ask("GET", f"/api/contacts.{extension}?select=tags")
        assert asked.body["tags"] == made.body["tags"]
        assert "statuses" not in asked.body
        plain = await ask("GET", f"/api/contacts/{keys[0]}.{extension}")
        assert set(plain.body) == {"timestamp", "status", "message", "data"}
        failed = await ask("POST", f"/api/contacts.{extension}", people)
        assert (failed.body["status"], "tags" in failed.body) == (40903, False)
        gone = await ask("DELETE", f"/api/contacts.{extension}", keys, Prefer="return=minimal")
        assert set(gone.body) == {"timestamp", "status", "message", "tags", "statuses"}
        assert (gone.body["status"], gone.body["tags"]) == (0, [])
        assert {each["count"] for each in gone.body["statuses"]} == {0}
        sold = await ask("POST", f"/api/deals.{extension}", [DEAL | {"value": "0.10"}] * 3)
        assert sold.body["sales"] == [
            {"currency": "EUR", "stage": "lead", "count": 3, "value": "0.30"}
        ]
        await ask(
            "DELETE", f"/api/deals.{extension}", [each["id"] for each in sold.body["data"]["deals"]]
        )


async def test_h18_a_summary_is_shown_where_the_write_could_have_changed_it(ask: Hash) -> None:
    def shown(reply: Reply) -> set[str]:
        assert reply.body["status"] == 0, reply.body
        return {"tags", "statuses", "sales"} & set(reply.body)

    path, both = "/api/contacts.json", {"tags", "statuses"}
    made = await ask("POST", path, [JIM, ANN])
    assert shown(made) == both
    key = made.body["data"]["contacts"][0]["id"]
    for change, expected in (
        ({"first_name": "Bo"}, set()),
        ({"first_name": "Al", "tags": ["a"]}, {"tags"}),
        ({"status": "lead"}, {"statuses"}),
        ({"status": "lead"}, set()),  # unchanged
        ({"status": None, "tags": []}, both),
    ):
        assert shown(await ask("PATCH", path, [{"id": key, **change}])) == expected, change
    rows = json.dumps({"id": key, "tags": ["b"]}).encode()
    lines = await ask("PATCH", path, data=rows, Content_Type="application/x-ndjson")
    assert shown(lines) == {"tags"}
    two = [{"id": key, "age": 3}, {"id": made.body["data"]["contacts"][1]["id"], "status": "lead"}]
    assert shown(await ask("PATCH", path, two)) == {"statuses"}
    # `select` asks for it whatever was written.
    assert shown(await ask("PATCH", f"{path}?select=tags", [{"id": key, "age": 4}])) == {"tags"}
    merging = {"Prefer": "resolution=merge-duplicates"}
    assert shown(await ask("POST", path, [{"id": key, **JIM, "age": 5}], **merging)) == set()
    tagged = {"id": key, **JIM, "tags": ["c"]}
    assert shown(await ask("POST", path, [tagged], **merging)) == {"tags"}
    new = [tagged | {"age": 6}, contact(9)]
    assert shown(await ask("POST", path, new, **merging)) == both
    # Of a replay it is not known any more what its items carried.
    keyed = {"Idempotency_Key": "k", "Prefer": "replay=return"}
    for expected in (set(), both):
        assert shown(await ask("PATCH", path, [{"id": key, "age": 7}], **keyed)) == expected
    [deal] = (await ask("POST", "/api/deals.json", [DEAL])).body["data"]["deals"]
    for change, expected in (
        ({"title": "x"}, set()),
        ({"value": "2"}, {"sales"}),
        ({"currency": "USD"}, {"sales"}),
        ({"stage": "won"}, {"sales"}),
    ):
        reply = await ask("PATCH", "/api/deals.json", [{"id": deal["id"], **change}])
        assert shown(reply) == expected
    # An upsert gives what its item lacks only to a new one.
    again = {"id": deal["id"], **DEAL, "value": "2", "title": "y"}
    assert shown(await ask("POST", "/api/deals.json", [again], **merging)) == {"sales"}
    assert shown(await ask("DELETE", path, [key], Prefer="return=minimal")) == both


async def test_h22_h23_h24_h25_h27_a_full_account(ask: Hash, operator: Pool) -> None:
    await set_quota(operator, "acme", "contacts", 2)
    await set_quota(operator, "acme", "deals", 1)
    reply = await ask("POST", "/api/contacts.json", [JIM])
    assert "notifications" not in reply.body
    jim = reply.body["data"]["contacts"][0]
    # Told by the request that reaches the limit.
    reply = await ask("POST", "/api/contacts.json", [ANN])
    assert (reply.body["status"], reply.body["notifications"]) == (0, ["contacts_list_full"])
    for path, items in (("contacts", [contact(3)]), ("deals", [DEAL])):
        for extension in ("json", "xml", "yaml"):
            reply = await ask("POST", f"/api/{path}.{extension}", items)
            assert (reply.status, reply.body["status"]) == (200, 40302)
            assert reply.body["notifications"] == ["contacts_list_full"]
    assert await stored(operator, "collections.contacts") == 2
    assert await stored(operator, "collections.deals") == 0
    reply = await ask("PATCH", "/api/contacts.json", [{"id": jim["id"], "age": 20}])
    assert (reply.body["status"], reply.body["notifications"]) == (0, ["contacts_list_full"])
    for extension in ("json", "xml", "yaml"):
        reply = await ask("GET", f"/api/contacts.{extension}")
        assert reply.body["notifications"] == ["contacts_list_full"]
    assert (await ask("DELETE", "/api/contacts.json", [jim["id"]])).body["status"] == 0
    reply = await ask("POST", "/api/deals.json", [DEAL])
    assert reply.body["notifications"] == ["deals_limit_reached"]
    [deal] = reply.body["data"]["deals"]
    for path, items in (("contacts", [contact(3)]), ("deals", [DEAL])):
        reply = await ask("POST", f"/api/{path}.json", items)
        assert reply.body["status"] == 40302
        assert reply.body["notifications"] == ["deals_limit_reached"]
    assert await stored(operator, "collections.contacts") == 1
    assert await stored(operator, "collections.deals") == 1
    reply = await ask("PATCH", "/api/deals.json", [{"id": deal["id"], "title": "T"}])
    assert reply.body["status"] == 0
    reply = await ask("DELETE", "/api/deals.json", [deal["id"]])
    assert (reply.body["status"], "notifications" in reply.body) == (0, False)


async def test_h26_more_contacts_than_allowed(ask: Hash, operator: Pool) -> None:
    made = await ask("POST", "/api/contacts.json", [JIM, ANN, contact(3)])
    keys = [each["id"] for each in made.body["data"]["contacts"]]
    await ask("POST", "/api/deals.json", [DEAL])
    await set_quota(operator, "acme", "contacts", 1)
    both = ["contacts_list_full", "too_many_contacts"]

    async def refused(method: str, path: str, items: Any) -> None:
        reply = await ask(method, path, items)
        assert (reply.status, reply.body["status"]) == (200, 40302)
        assert reply.body["notifications"] == both

    await refused("PATCH", "/api/contacts.json", [{"id": keys[0], "age": 20}])
    await refused("POST", "/api/contacts.json", [contact(4)])
    await refused("POST", "/api/deals.json", [DEAL])
    async with operator.connection() as connection:
        assert await connection.fetchval("SELECT count(age) FROM collections.contacts") == 1
    reply = await ask("DELETE", "/api/contacts.json", keys[:1])
    assert (reply.body["status"], reply.body["notifications"]) == (0, both)
    reply = await ask("DELETE", "/api/contacts.json", keys[1:2])
    assert (reply.body["status"], reply.body["notifications"]) == (0, ["contacts_list_full"])
    reply = await ask("PATCH", "/api/contacts.json", [{"id": keys[2], "age": 20}])
    assert reply.body["status"] == 0


@pytest.mark.parametrize("limited", ["deals", "*"])
async def test_h24_deals_are_edited_while_there_are_more_than_allowed(
    ask: Hash, operator: Pool, limited: str
) -> None:
    made = await ask("POST", "/api/deals.json", [DEAL, DEAL])
    key = made.body["data"]["deals"][0]["id"]
    await set_quota(operator, "acme", limited, 1)
    for path, item in (("deals", DEAL), ("contacts", JIM)):
        reply = await ask("POST", f"/api/{path}.json", [item])
        refusal(reply, 40302)
        assert "deals_limit_reached" in reply.body["notifications"]
        assert "-1" not in reply.body["message"]
    reply = await ask("PATCH", "/api/deals.json", [{"id": key, "title": "New"}])
    assert (reply.body["status"], reply.body["message"]) == (0, "1 updated")
    assert "deals_limit_reached" in reply.body["notifications"]
    assert (await ask("DELETE", "/api/deals.json", [key])).body["status"] == 0


async def test_h23_the_limit_of_the_account_shows_as_both(ask: Hash, operator: Pool) -> None:
    await set_quota(operator, "acme", "*", 1)
    reply = await ask("POST", "/api/contacts.json", [JIM])
    assert reply.body["notifications"] == ["deals_limit_reached", "contacts_list_full"]
    for path, items in (("contacts", [ANN]), ("deals", [DEAL])):
        assert (await ask("POST", f"/api/{path}.json", items)).body["status"] == 40302


async def test_h23_other_limits_have_no_name(ask: Hash, operator: Pool) -> None:
    await set_quota(operator, "acme", "people", 1)
    reply = await ask("POST", "/api/people.json", [{"name": "Jim"}])
    assert (reply.body["status"], "notifications" in reply.body) == (0, False)
    reply = await ask("POST", "/api/people.json", [{"name": "Ann"}])
    assert (reply.body["status"], "notifications" in reply.body) == (40302, False)


async def test_h28_what_is_returned_is_accepted_and_changes_nothing(ask: Hash) -> None:
    deal = {
        "title": "Roof",
        "value": "1200.50",
        "currency": "CHF",
        "stage": "won",
        "expected_on": "2026-12-01",
        "closed_at": "2026-11-28T20:17:55+01:00",
    }
    person = ANN | {
        "last_name": None,
        "company": "Acme",
        "phone": "+41 44 000 00 00",
        "country": "CH",
        "subscribed": True,
    }
    sparse = {"email": "sparse@example.com", "first_name": "Sparse"}
    for path, item in (("deals", deal), ("contacts", person), ("contacts", sparse)):
        made = await ask("POST", f"/api/{path}.json", [item])
        shown = await ask("GET", f"/api/{path}/{made.body['data'][path][0]['id']}.json")
        moment = shown.body["data"].get("closed_at", "")
        same = {name: value for name, value in item.items() if name != "closed_at"}
        assert same.items() <= shown.body["data"].items()
        again = await ask("PATCH", f"/api/{path}.json", [shown.body["data"]])
        assert (again.body["status"], again.body["message"]) == (0, "1 unchanged")
        assert again.body["data"][path] == [shown.body["data"]]
        if moment:  # the same moment, in the same form: RFC 3339
            assert dt.datetime.fromisoformat(moment) == dt.datetime.fromisoformat(deal["closed_at"])


@pytest.fixture
async def idle(api: Service, operator: Pool) -> Hash:
    """A client of a service without any worker."""
    _, token = await create_token(operator, "acme", "hash", dialect="hash")
    return Hash(api, token)


@configured(max_wait=1)
async def test_x14_an_unfinished_batch_fails_with_its_id(idle: Hash, operator: Pool) -> None:
    for more in ({}, {"Prefer": "respond-async, return=minimal"}):
        reply = await idle("POST", "/api/contacts.json", [contact(len(more))], **more)
        assert (reply.status, reply.body["status"]) == (200, 20200)
        batch = reply.body["data"]["batch"]
        assert batch in reply.body["message"]
        assert reply.headers["Location"].endswith(batch)
        assert "respond-async" not in reply.headers.get("Preference-Applied", "")
        shown = await idle("GET", f"/api/batches/{batch}.json")
        assert shown.body["data"]["state"] == "accepted"
    assert await stored(operator, "collections.contacts") == 0


async def test_x14_a_client_that_would_not_wait_waits(ask: Hash) -> None:
    reply = await ask("POST", "/api/contacts.json", [JIM], Prefer="respond-async")
    assert (reply.body["status"], reply.body["message"]) == (0, "1 created")
    assert "Preference-Applied" not in reply.headers


async def test_x15_what_is_saved_in_part_is_no_success(ask: Hash, operator: Pool) -> None:
    reply = await ask("POST", "/api/contacts.json", [JIM, BAD], Prefer="handling=lenient")
    assert (reply.status, reply.body["status"]) == (200, 42204)
    assert reply.body["message"].startswith("Saved in part: 1 created;")
    assert [each["email"] for each in reply.body["data"]["contacts"]] == [JIM["email"]]
    assert [each["index"] for each in reply.body["data"]["failures"]] == [1]
    assert await stored(operator, "collections.contacts") == 1


async def test_x11_a_replay_is_answered_in_the_dialect_that_asks(
    ask: Hash, service: Service, operator: Pool
) -> None:
    first = await service.post("contacts", [JIM], idempotency_key="k")
    assert first.status == 201
    again = {"Accept": "application/json; dialect=hash", "Idempotency_Key": "k"}
    reply = await ask("POST", "/v1/contacts", [JIM], **again)
    refusal(reply, 40901)
    assert reply.headers["Location"] == f"/v1/batches/{first.body['metadata']['batchId']}"
    assert reply.headers["Idempotency-Replayed"] == "true"
    reply = await ask("POST", "/v1/contacts", [JIM], Prefer="replay=return", **again)
    assert (reply.body["status"], reply.body["data"]["contacts"]) == (0, first.body["data"])
    for path in ("/api/contacts.xml", "/api/contacts.json", "/v1/contacts.yaml"):
        reply = await ask("POST", path, [JIM], Prefer="replay=return", Idempotency_Key="k")
        assert (reply.body["status"], reply.body["data"]["contacts"]) == (0, first.body["data"])
    reply = await ask("POST", "/v1/contacts", [ANN], **again)
    refusal(reply, 42220)
    refusal(await ask("POST", "/api/deals.json", [JIM], Idempotency_Key="k"), 42220)
    assert await stored(operator, "collections.contacts") == 1


async def test_h13_a_dry_run_saves_nothing(ask: Hash, operator: Pool) -> None:
    reply = await ask("POST", "/api/contacts.json?dryRun=true", [JIM])
    assert reply.body["status"] == 0
    assert reply.body["data"] == {"received": 1, "valid": [0], "invalid": []}
    reply = await ask("POST", "/api/contacts.json?dryRun=true", [JIM, BAD])
    assert reply.body["status"] == 42204
    assert await written(operator) == NOTHING
