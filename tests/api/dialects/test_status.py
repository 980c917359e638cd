"""Dialect `status` over HTTP: what a client that was written from document 002 relies on."""

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest
import yaml

from ingest.store import reads
from ingest.store.pool import Pool
from ingest.store.quotas import set_quota
from ingest.store.tokens import create_token
from tests.api.shared import ANN, BAD, JIM, NOTHING, configured, contact, stored, written
from tests.harness import Service

ACCEPT = "application/json; dialect=status"
STATUSES = {200, 202, 400, 401, 403, 404, 409, 500}
ERRORS = ("error_name", "error_message", "more_info")
UNKNOWN_ID = "01933b2e-7c00-7000-8000-000000000000"


class Told(NamedTuple):
    status: int
    headers: Any
    body: dict[str, Any]

    @property
    def failed(self) -> tuple[int, str]:
        return self.status, self.body["error_name"]


async def ask(service: Service, method: str, path: str, items: Any = None, **options: Any) -> Told:
    """One request in the dialect; what must hold for every JSON answer is checked."""
    options.setdefault("accept", ACCEPT)
    reply = await service.request(method, path, items, **options)
    check(reply.status, reply.body)
    assert reply.headers["Content-Type"].startswith("application/json")
    return Told(reply.status, reply.headers, reply.body)


def check(status: int, body: Any) -> None:
    """S05 to S07, S09, S20, S21: what every answer has."""
    assert isinstance(body, dict)
    assert body["status"] == status
    assert status in STATUSES
    moment = dt.datetime.fromisoformat(body["timestamp"])
    assert moment.tzinfo is not None
    assert abs((dt.datetime.now(dt.UTC) - moment).total_seconds()) < 60
    for name in ERRORS:
        assert (name in body) is (status >= 400)
    if status >= 400:
        assert all(isinstance(body[name], str) and body[name] for name in ERRORS)
        assert body["more_info"].startswith(("http://", "https://"))
        assert body["more_info"].endswith(f"/docs/errors/{body['error_name']}")


def comparable(data: Any) -> Any:
    """Data without the answer of a batch, whose time is that of the request."""
    return {**data, "response": None} if isinstance(data, dict) else data


async def text(service: Service, path: str, accept: str = ACCEPT) -> tuple[int, str, str]:
    """Status, media type and body as text."""
    headers = {"Authorization": f"Bearer {service.token}", "Accept": accept}
    async with service.client.get(path, headers=headers) as response:
        return response.status, response.content_type, await response.text()


async def test_s01_s02_the_extension_chooses_json_xml_or_yaml(service: Service) -> None:
    saved = await ask(service, "POST", "/v1/contacts.json", [JIM])
    key = saved.body["data"][0]["id"]
    batch = saved.body["metadata"]["batchId"]
    for path in ("contacts", f"contacts/{key}", f"batches/{batch}", "batches"):
        in_json = await ask(service, "GET", f"/v1/{path}.json")
        status, media_type, found = await text(service, f"/v1/{path}.yaml")
        assert (status, media_type) == (200, "application/yaml")
        as_yaml = yaml.safe_load(found)
        check(200, as_yaml)
        assert comparable(as_yaml["data"]) == comparable(in_json.body["data"])
        status, media_type, found = await text(service, f"/v1/{path}.xml")
        assert (status, media_type) == (200, "application/xml")
        root = ElementTree.fromstring(found)  # our own answer
        assert (root.tag, root.findtext("status")) == ("response", "200")
        assert root.findtext("timestamp")
        assert root.find("data") is not None
        assert root.find("error_name") is None


@pytest.mark.parametrize("path", ["contacts", "contacts.txt", "contacts.JSON", "contacts:delete"])
@pytest.mark.parametrize("accept", [ACCEPT, "application/xml; dialect=status"])
async def test_s03_a_write_without_a_format_is_400_and_saves_nothing(
    service: Service, operator: Pool, path: str, accept: str
) -> None:
    reply = await ask(service, "POST", f"/v1/{path}", [JIM], accept=accept)
    assert reply.failed == (400, "format_required")
    assert ".json, .xml or .yaml" in reply.body["error_message"]
    assert await written(operator) == NOTHING


async def test_s03_accept_alone_names_no_format(service: Service) -> None:
    for path in ("contacts", "contacts.csv", "batches", f"batches/{UNKNOWN_ID}", "nowhere/a/b"):
        for accept in (ACCEPT, "text/html, */*; dialect=status", "application/yaml;dialect=status"):
            reply = await ask(service, "GET", f"/v1/{path}", accept=accept)
            assert reply.failed == (400, "format_required"), (path, accept)


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("/v1", "/v1/{collection}"),
        ("/v1/", "/v1/{collection}"),
        ("/api/", "/api/{collection}"),
        ("/contacts", "/v1/{collection}"),
        ("/v1/contacts", "/v1/contacts"),
        ("/api/contacts.txt", "/api/contacts"),
    ],
)
async def test_s03_the_hint_is_a_path_that_there_is(service: Service, path: str, stem: str) -> None:
    reply = await ask(service, "GET", path, accept=ACCEPT)
    assert reply.failed == (400, "format_required")
    assert reply.body["error_message"] == f"Name the format: {stem}.json, .xml or .yaml."


async def test_s03_holds_for_a_token_of_the_dialect(service: Service, operator: Pool) -> None:
    _, token = await create_token(operator, "acme", "old client", dialect="status")
    options = {"token": token, "accept": "*/*"}
    assert (await ask(service, "GET", "/v1/contacts.json", **options)).status == 200
    reply = await ask(service, "GET", "/v1/contacts", **options)
    assert reply.failed == (400, "format_required")
    reply = await ask(service, "GET", "/v1/contacts", token=token, accept="text/html")
    assert reply.failed == (400, "format_required")


async def test_s04_a_key_with_a_dot_needs_a_format_too(service: Service) -> None:
    await ask(service, "POST", "/v1/people.json", [{"name": "jim@example.com"}])
    reply = await ask(service, "GET", "/v1/people/jim@example.com")
    assert reply.failed == (400, "format_required")
    assert "/v1/people/jim@example.com.json" in reply.body["error_message"]
    found = await ask(service, "GET", "/v1/people/jim@example.com.json")
    assert (found.status, found.body["data"]["name"]) == (200, "jim@example.com")


async def test_s08_s09_s10_what_is_saved_is_200(service: Service, operator: Pool) -> None:
    saved = await ask(service, "POST", "/v1/contacts.json", [JIM, ANN])
    assert (saved.status, saved.body["message"]) == (200, "2 created")
    assert [item["email"] for item in saved.body["data"]] == [JIM["email"], ANN["email"]]
    assert await stored(operator, "collections.contacts") == 2
    key = saved.body["data"][0]["id"]
    changed = await ask(service, "PATCH", "/v1/contacts.json", [{"id": key, "age": 5}])
    assert (changed.status, changed.body["data"][0]["age"]) == (200, 5)
    gone = await ask(service, "DELETE", "/v1/contacts.json", [key])
    assert (gone.status, gone.body["metadata"]["deleted"]) == (200, 1)
    assert await stored(operator, "collections.contacts") == 1
    listed = await ask(service, "GET", "/v1/contacts.json")
    assert [item["email"] for item in listed.body["data"]] == [ANN["email"]]


async def test_s11_s22_s24_s26_bad_items_are_400(service: Service, operator: Pool) -> None:
    reply = await ask(service, "POST", "/v1/contacts.json", [JIM, BAD])
    assert reply.failed == (400, "invalid_items")
    assert reply.body["error_message"] == "Item 1, email: Not a valid email address."
    plain = await service.post("contacts", [JIM, BAD])
    assert reply.body["failures"] == plain.body["failures"]
    assert reply.body["metadata"]["invalidItems"] == [1]
    one = await ask(service, "POST", "/v1/contacts.json", [{**JIM, "email": "x"}])
    assert one.failed == (400, "bad_format")
    assert await stored(operator, "collections.contacts") == 0


async def test_s11_requests_that_are_wrong_are_400(service: Service) -> None:
    path = "/v1/contacts.json"
    wrong: dict[str, Callable[[], Awaitable[Told]]] = {
        "malformed_body": lambda: ask(
            service, "POST", path, data=b"[{", content_type="application/json"
        ),
        "invalid_parameter": lambda: ask(service, "GET", f"{path}?limit=0"),
        "method_not_allowed": lambda: ask(service, "POST", "/v1/contacts/1.json", [JIM]),
        "unsupported_media_type": lambda: ask(
            service, "POST", path, data=b"x", content_type="text/html"
        ),
        "unsupported_encoding": lambda: ask(
            service, "POST", path, data=b"x", content_encoding="br"
        ),
        "invalid_idempotency_key": lambda: ask(service, "POST", path, [JIM], idempotency_key="a b"),
        "idempotency_key_required": lambda: ask(
            service, "POST", "/v1/guarded.json", [{"name": "a"}]
        ),
    }
    for name, request in wrong.items():
        reply = await request()
        assert reply.failed == (400, name)
        assert ("Allow" in reply.headers) is (name == "method_not_allowed")


@configured(max_items=1)
async def test_s11_too_much_is_400(service: Service) -> None:
    reply = await ask(service, "POST", "/v1/contacts.json", [JIM, ANN])
    assert reply.failed == (400, "too_many_items")


async def test_s12_s27_absent_invalid_and_expired_tokens_are_401(
    service: Service, operator: Pool
) -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    _, expired = await create_token(operator, "acme", "old", past)
    given = {
        "": "token_required",
        "Bearer x": "token_invalid",
        f"Bearer {expired}": "token_invalid",
    }
    for authorization, name in given.items():
        reply = await ask(service, "GET", "/v1/contacts.json", Authorization=authorization)
        assert reply.failed == (401, name)
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")


async def test_s13_a_missing_right_is_403(service: Service, operator: Pool) -> None:
    _, token = await create_token(operator, "acme", "reader", role="reader")
    reply = await ask(service, "POST", "/v1/contacts.json", [JIM], token=token)
    assert reply.failed == (403, "not_permitted")


async def test_s13_a_limit_that_is_reached_is_403(service: Service, operator: Pool) -> None:
    await set_quota(operator, "acme", "contacts", 1)
    full = await ask(service, "POST", "/v1/contacts.json", [JIM])
    assert (full.status, full.body["notifications"]) == (200, ["contacts_list_full"])
    reply = await ask(service, "POST", "/v1/contacts.json", [ANN])
    assert reply.failed == (403, "limit_reached")
    assert await stored(operator, "collections.contacts") == 1


async def test_s13_items_of_other_groups_are_403(service: Service, operator: Pool) -> None:
    saved = await ask(service, "POST", "/v1/contacts.json", [JIM])
    _, token = await create_token(operator, "acme", "north", groups=["north"])
    change = [{"id": saved.body["data"][0]["id"], "age": 5}]
    reply = await ask(service, "PATCH", "/v1/contacts.json", change, token=token)
    assert reply.failed == (403, "other_group")


async def test_s14_what_does_not_exist_is_404(service: Service) -> None:
    gone = {"id": UNKNOWN_ID, "age": 5}
    replies = {
        "item_not_found": [
            await ask(service, "GET", f"/v1/contacts/{UNKNOWN_ID}.json"),
            await ask(service, "GET", "/v1/contacts/NOPE.json"),
            await ask(service, "PATCH", "/v1/contacts.json", [gone]),
            await ask(service, "DELETE", "/v1/contacts.json", [UNKNOWN_ID]),
        ],
        "unknown_collection": [await ask(service, "GET", "/v1/nothing.json")],
        "unknown_batch": [await ask(service, "GET", f"/v1/batches/{UNKNOWN_ID}.json")],
        "unknown_endpoint": [await ask(service, "GET", "/v1/contacts/1/2/3.json")],
    }
    for name, given in replies.items():
        assert [reply.failed for reply in given] == [(404, name)] * len(given)


async def test_s14_an_xml_answer_says_so_too(service: Service) -> None:
    status, media_type, found = await text(service, "/v1/contacts/NOPE.xml")
    root = ElementTree.fromstring(found)  # our own answer
    assert (status, media_type, root.findtext("status")) == (404, "application/xml", "404")
    assert root.findtext("error_name") == "item_not_found"
    status, media_type, found = await text(service, "/v1/contacts/1/2/3.xml")
    root = ElementTree.fromstring(found)  # our own answer
    assert (status, root.findtext("error_name")) == (404, "unknown_endpoint")


async def test_s15_what_the_state_does_not_allow_is_409(service: Service) -> None:
    saved = await ask(service, "POST", "/v1/contacts.json", [JIM], idempotency_key="k")
    again = await ask(service, "POST", "/v1/contacts.json", [JIM], idempotency_key="k")
    assert again.failed == (409, "idempotency_replayed")
    assert again.headers["Idempotency-Replayed"] == "true"
    taken = await ask(service, "POST", "/v1/contacts.json", [JIM])
    assert taken.failed == (409, "duplicate")
    twice = await ask(service, "POST", "/v1/contacts.json", [ANN, ANN])
    assert twice.failed == (409, "duplicate_in_batch")
    stale = [{"id": saved.body["data"][0]["id"], "age": 5, "meta": {"version": 7}}]
    moved = await ask(service, "PATCH", "/v1/contacts.json", stale)
    assert moved.failed == (409, "version_mismatch")
    await ask(service, "POST", "/v1/contacts.json", [contact(1), contact(2)])
    await ask(service, "PATCH", "/v1/contacts.json?matching=email", [{**contact(1), "age": 9}])
    await ask(service, "PATCH", "/v1/contacts.json?matching=email", [{**contact(2), "age": 9}])
    several = await ask(service, "DELETE", "/v1/contacts.json?matching=age", [9])
    assert several.failed == (409, "ambiguous_match")


@configured(rate_limit="1/minute")
async def test_s16_too_many_requests_are_409_with_retry_after(service: Service) -> None:
    await ask(service, "POST", "/v1/contacts.json", [JIM])
    reply = await ask(service, "POST", "/v1/contacts.json", [ANN])
    assert reply.failed == (409, "rate_limited")
    assert int(reply.headers["Retry-After"]) > 0


@configured(max_backlog_items=1)
async def test_s17_s21_a_service_that_can_take_no_more_is_500_with_retry_after(
    api: Service, operator: Pool
) -> None:
    first = await ask(api, "POST", "/v1/contacts.json", [JIM], prefer="respond-async")
    assert first.status == 202
    reply = await ask(api, "POST", "/v1/contacts.json", [ANN], prefer="respond-async")
    assert reply.failed == (500, "unavailable")
    assert int(reply.headers["Retry-After"]) > 0
    assert await stored(operator, "ingest.batches") == 1


async def test_s17_s21_a_bug_is_500(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(reads, "list_items", bug)
    reply = await ask(api, "GET", "/v1/contacts.json")
    assert reply.failed == (500, "internal_error")


async def test_s18_mixed_errors_are_400(service: Service) -> None:
    saved = await ask(service, "POST", "/v1/contacts.json", [JIM])
    key = saved.body["data"][0]["id"]
    await ask(service, "POST", "/v1/contacts.json", [ANN])
    mixed = [{"id": UNKNOWN_ID, "age": 5}, {"id": key, "email": ANN["email"]}]
    reply = await ask(service, "PATCH", "/v1/contacts.json", mixed)
    assert reply.failed == (400, "invalid_items")


async def test_s25_more_info_is_a_page_of_this_service(service: Service) -> None:
    base = str(service.client.make_url("/")).rstrip("/")
    reply = await ask(service, "GET", "/v1/nothing.json")
    assert reply.body["more_info"] == f"{base}/docs/errors/unknown_collection"
    async with service.client.get("/docs/errors/unknown_collection") as response:
        assert (response.status, response.content_type) == (200, "text/html")
        assert "unknown_collection" in await response.text()


async def test_s25_more_info_has_the_host_of_the_request(service: Service) -> None:
    reply = await ask(service, "GET", "/v1/nothing.json", host="api.example.com:8443")
    assert reply.body["more_info"].startswith("http://api.example.com:8443/docs/")


async def test_s25_a_malformed_host_gets_into_no_link(service: Service) -> None:
    reply = await ask(service, "GET", "/v1/nothing.json", host='evil/"><b>')
    base = str(service.client.make_url("/"))
    assert reply.body["more_info"] == f"{base}docs/errors/unknown_collection"


@configured(allowed_hosts="api.example.com, *.internal")
async def test_s25_a_host_that_is_not_served_gets_into_no_link(service: Service) -> None:
    reply = await ask(service, "GET", "/v1/contacts.json", host="evil.com")
    assert reply.failed == (400, "invalid_parameter")
    assert reply.body["more_info"] == "http://api.example.com/docs/errors/invalid_parameter"


@configured(public_url="https://data.example.com/")
async def test_s25_the_setting_decides_where_the_pages_are(service: Service) -> None:
    reply = await ask(service, "GET", "/v1/nothing.json")
    assert reply.body["more_info"] == "https://data.example.com/docs/errors/unknown_collection"


@configured(max_wait=0.05)
async def test_x14_a_batch_that_is_not_finished_is_202(api: Service) -> None:
    waited = await ask(api, "POST", "/v1/contacts.json", [JIM])
    assert (waited.status, waited.headers["Location"]) == (
        202,
        f"/v1/batches/{waited.body['metadata']['batchId']}",
    )
    asked = await ask(api, "POST", "/v1/contacts.json", [ANN], prefer="respond-async")
    assert (asked.status, asked.headers["Preference-Applied"]) == (202, "respond-async")


async def test_x15_a_lenient_batch_is_200_with_failures_beside_data(
    service: Service, operator: Pool
) -> None:
    reply = await ask(service, "POST", "/v1/contacts.json", [JIM, BAD], prefer="handling=lenient")
    assert reply.status == 200
    assert [item["email"] for item in reply.body["data"]] == [JIM["email"]]
    assert [each["rawData"] for each in reply.body["failures"]] == [BAD]
    assert await stored(operator, "collections.contacts") == 1


async def test_x12_a_batch_and_its_failures_have_the_envelope(service: Service) -> None:
    refused = await ask(service, "POST", "/v1/contacts.json", [BAD])
    batch = refused.body["metadata"]["batchId"]
    shown = await ask(service, "GET", f"/v1/batches/{batch}.json")
    assert shown.body["data"]["state"] == "rejected"
    response = shown.body["data"]["response"]
    check(response["status"], response["body"])
    assert response["body"]["error_name"] == "invalid_items"
    failures = await ask(service, "GET", f"/v1/batches/{batch}/failures.json")
    [failure] = refused.body["failures"]
    assert failures.body["failures"] == [{"index": 0, **failure}]
    assert "result" not in failures.body


async def test_x04_a_dialect_that_does_not_exist_is_406_for_its_tokens_too(
    service: Service, operator: Pool
) -> None:
    _, token = await create_token(operator, "acme", "old client", dialect="status")
    for path in ("/v1/contacts.json", "/v1/contacts", "/v1/contacts/1/2/3.json"):
        options = {"token": token, "accept": "application/json; dialect=none"}
        reply = await service.request("GET", path, **options)
        assert (reply.status, reply.body) == (406, None)


async def test_x11_a_replay_is_told_in_the_dialect_of_the_request_that_asks(
    service: Service,
) -> None:
    options = {"idempotency_key": "k", "prefer": "replay=return"}
    first = await service.post("contacts.json", [JIM], **options)
    again = await ask(service, "POST", "/v1/contacts.json", [JIM], **options)
    assert (first.status, again.status) == (201, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.body["data"] == first.body["data"]
    assert again.body["metadata"] == first.body["metadata"]
