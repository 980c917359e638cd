"""How a dialect is chosen: `Accept`, the path, the token (X01 to X13).

Each dialect that is registered is tried; what an answer is recognised by stands in `SPEAKS`.
"""

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientResponse
from multidict import CIMultiDictProxy

from ingest.dialects import DIALECTS
from ingest.store import reads
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.api.shared import JIM, NOTHING, configured, stored, written
from tests.harness import Reply, Service

SPEAKS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "collection": lambda body: "result" in body and body.get("status", 0) >= 200,
    "data": lambda body: (
        "data" in body and (not {"result", "status", "timestamp", "error_text"} & body.keys())
    ),
    "status": lambda body: 200 <= body.get("status", 0) < 600 and "result" not in body,
    "hash": lambda body: (
        not {"result", "error"} & body.keys()
        and (body.get("status") == 0 or body.get("status", 0) > 20000)
    ),
    "rpc": lambda body: isinstance(body.get("error"), int),
}
ROOTED = {each.path: name for name, each in DIALECTS.items() if each.path}
DIALECT = pytest.mark.parametrize("name", DIALECTS)


def spoken(body: dict[str, Any]) -> list[str]:
    """The dialects that a document can be of: one."""
    return [name for name, speaks in SPEAKS.items() if speaks(body)]


async def with_token(service: Service, operator: Pool, dialect: str | None) -> Service:
    """The same service with a token of that dialect."""
    _, token = await create_token(operator, "acme", "other", dialect=dialect)
    return Service(service.client, token)


async def raw(
    service: Service, path: str, accept: str | None, method: str = "GET", **headers: str
) -> tuple[ClientResponse, bytes]:
    """A response as it is; without `accept`, the request has no such header at all."""
    given = {"Authorization": f"Bearer {service.token}", **headers}
    skip = ["Accept"] if accept is None else []
    if accept is not None:
        given["Accept"] = accept
    response = await service.client.request(
        method, path, headers=given, skip_auto_headers=skip, allow_redirects=False
    )
    return response, await response.read()


@DIALECT
@pytest.mark.parametrize(
    "accept",
    [
        "application/json; dialect={}",
        "application/json; q=0.3; dialect={}",
        "application/json; dialect={}; q=0.3",
        "*/*; dialect={}",
        "text/html, application/*; dialect={}, application/json; q=0.1",
    ],
)
async def test_x01_x05_accept_names_a_dialect(api: Service, name: str, accept: str) -> None:
    for spelled in (name, name.upper()):
        reply = await api.get("contacts.json", accept=accept.format(spelled))
        assert reply.status == 200
        assert spoken(reply.body) == [name]
        assert reply.headers["Content-Type"] == "application/json"
        assert reply.headers["Vary"] == "Accept, Authorization"


@DIALECT
@pytest.mark.parametrize(("kind", "start"), [("xml", b"<?xml"), ("yaml", b"")])
async def test_x01_x05_x09_in_every_format(
    api: Service, name: str, kind: str, start: bytes
) -> None:
    accept = f"application/{kind}; dialect={name}"
    response, body = await raw(api, f"/v1/contacts.{kind}", accept)
    assert (response.status, response.headers["Content-Type"]) == (200, f"application/{kind}")
    assert body.startswith(start)
    assert not body.startswith(b"{")


@DIALECT
async def test_x02_a_token_has_a_dialect(api: Service, operator: Pool, name: str) -> None:
    service = await with_token(api, operator, name)
    reply = await service.get("contacts.json")
    assert spoken(reply.body) == [name]
    assert spoken((await api.get("contacts.json")).body) == ["collection"]


@DIALECT
async def test_x03_accept_wins_over_the_path_and_both_over_the_token(
    service: Service, operator: Pool, name: str
) -> None:
    own = await with_token(service, operator, name)
    for other in DIALECTS:
        accept = f"application/json; dialect={other}"
        assert spoken((await own.get("contacts.json", accept=accept)).body) == [other]
    for root, of_path in ROOTED.items():
        unknown = f"{root}nothing/at/all.json"
        assert spoken((await own.request("GET", unknown)).body) == [of_path]
        accept = f"application/json; dialect={name}"
        assert spoken((await own.request("GET", unknown, accept=accept)).body) == [name]


async def test_x03_c02_collection_named_by_accept_or_token_is_document_003(
    service: Service, operator: Pool
) -> None:
    own = await with_token(service, operator, "collection")
    finer = await service.post("contacts", JIM)
    assert (finer.status, finer.body["status"]) == (201, 201)
    named = {"accept": "application/json; dialect=collection"}
    for client, headers in ((own, {}), (service, named)):
        await client.delete("contacts", [JIM], params={"matching": "email"}, **headers)
        reply = await client.post("contacts", JIM, **headers)
        assert (reply.status, reply.body["status"], reply.body["result"]) == (200, 200, "success")


@pytest.mark.parametrize(
    "accept",
    [
        "application/json; dialect=nope",
        "*/*; dialect=",
        "application/json; dialect=problem",
        "application/json; dialect=nope, application/xml; dialect=neither",
        "application/problem+json; dialect=nope",
    ],
)
@pytest.mark.parametrize("path", ["contacts", "contacts.json", "nothing/here", "batches"])
async def test_x04_an_unknown_dialect_is_406_without_a_body(
    api: Service, operator: Pool, accept: str, path: str
) -> None:
    response, body = await raw(api, f"/v1/{path}", accept)
    assert (response.status, body) == (406, b"")
    assert response.headers["Vary"] == "Accept, Authorization"
    response, body = await raw(api, "/v1/contacts", accept, "POST")
    assert (response.status, body) == (406, b"")
    assert await written(operator) == NOTHING


async def test_x04_another_range_is_taken_where_there_is_one(api: Service) -> None:
    reply = await api.get("contacts", accept="*/*; dialect=nope, application/json; q=0.1")
    assert (reply.status, spoken(reply.body)) == (200, ["collection"])


ERRORS = [
    ("GET", "nothing/at/all.json", {}, 404),
    ("GET", "nothing.json", {}, 404),
    ("GET", "contacts/nobody.json", {}, 404),
    ("POST", "batches.json", {}, 405),
    ("POST", "contacts.json", {"Content-Type": "image/png"}, 415),
    ("POST", "contacts.json", {"Content-Encoding": "compress"}, 415),
    ("GET", "contacts.json?limit=0", {}, 400),
    ("GET", "contacts.json", {"Authorization": "Basic x"}, 401),
    ("GET", "contacts.json", {"Authorization": "Bearer wrong"}, 401),
]


@DIALECT
@pytest.mark.parametrize(("method", "path", "headers", "status"), ERRORS)
async def test_x08_errors_before_the_handler_are_in_the_dialect(
    api: Service,
    operator: Pool,
    name: str,
    method: str,
    path: str,
    headers: dict[str, str],
    status: int,
) -> None:
    reply = await api.request(
        method, f"/v1/{path}", accept=f"*/*; dialect={name}", data=b"x", **headers
    )
    assert spoken(reply.body) == [name]
    assert reply.headers["Content-Type"] == "application/json"
    default = await api.request(method, f"/v1/{path}", data=b"x", **headers)
    assert (default.status, spoken(default.body)) == (status, ["collection"])
    if status != 401:
        own = await with_token(api, operator, name)
        assert spoken((await own.request(method, f"/v1/{path}", data=b"x", **headers)).body) == [
            name
        ]
    assert await written(operator) == NOTHING


@DIALECT
@pytest.mark.parametrize("path", ["/contacts.json", "/V1/contacts.json"])
async def test_x08_s06_d20_a_path_without_the_root_is_in_the_dialect(
    api: Service, operator: Pool, name: str, path: str
) -> None:
    named = await api.request("GET", path, accept=f"*/*; dialect={name}")
    assert spoken(named.body) == [name]
    own = await with_token(api, operator, name)
    assert spoken((await own.request("GET", path)).body) == [name]
    reply = await api.request("GET", path, accept="*/*; dialect=nonesuch")
    assert (reply.status, reply.body) == (406, None)
    default = await api.request("GET", path)
    assert (default.status, default.error[0]) == (404, 40401)


@DIALECT
@configured(max_body=100)
async def test_x08_a_body_that_is_too_large(api: Service, operator: Pool, name: str) -> None:
    own = await with_token(api, operator, name)
    reply = await own.request("POST", "/v1/contacts.json", [JIM] * 10)
    assert spoken(reply.body) == [name]
    assert reply.status in (200, 400, 413)
    assert await written(operator) == NOTHING


@DIALECT
@configured(max_concurrent=0)
async def test_x08_too_many_requests(api: Service, operator: Pool, name: str) -> None:
    own = await with_token(api, operator, name)
    reply = await own.get("contacts.json")
    assert spoken(reply.body) == [name]
    assert reply.headers["Retry-After"] == "1"


@DIALECT
@configured(allowed_hosts="api.example.com")
async def test_x08_a_host_that_is_not_served(api: Service, name: str) -> None:
    reply = await api.get("contacts.json", accept=f"*/*; dialect={name}", host="other.example.com")
    assert spoken(reply.body) == [name]


@DIALECT
async def test_x08_a_bug_of_ours(
    api: Service, operator: Pool, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(reads, "list_items", broken)
    own = await with_token(api, operator, name)
    reply = await own.get("contacts.json")
    assert (reply.status, spoken(reply.body)) == (500, [name])


@DIALECT
async def test_x08_a_wrong_token_has_no_dialect(api: Service, name: str) -> None:
    wrong = Service(api.client, "wrong")
    assert spoken((await wrong.get("contacts.json")).body) == ["collection"]
    reply = await wrong.get("contacts.json", accept=f"*/*; dialect={name}")
    assert spoken(reply.body) == [name]
    assert reply.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


HEADERS = ("X-Trace-Id", "Location", "Retry-After", "Idempotency-Replayed", "Preference-Applied")


def common(headers: CIMultiDictProxy[str]) -> dict[str, str]:
    return {name: headers[name] for name in HEADERS if name in headers}


@DIALECT
async def test_x10_x11_headers_and_replays_are_those_of_any_dialect(
    service: Service, operator: Pool, name: str
) -> None:
    trace = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    key = {"Idempotency-Key": "k", "Prefer": "return=minimal, replay=return"}
    first = await service.post("contacts.json", JIM, **key, **trace)
    assert first.status == 201
    replays = [
        await service.post("contacts.json", JIM, accept=f"*/*; dialect={each}", **key, **trace)
        for each in ("collection", name)
    ]
    for reply, each in zip(replays, ("collection", name), strict=True):
        assert spoken(reply.body) == [each]
        assert common(reply.headers) == {
            "X-Trace-Id": "a" * 32,
            "Idempotency-Replayed": "true",
            "Preference-Applied": "return=minimal, replay=return",
        }
    refused = await service.post(
        "contacts.json", JIM, accept=f"*/*; dialect={name}", idempotency_key="k"
    )
    assert refused.headers["Location"].startswith("/v1/batches/")
    assert refused.headers["Idempotency-Replayed"] == "true"
    assert await stored(operator, "collections.contacts") == 1


@DIALECT
async def test_x12_batches_and_failures_are_the_same_in_another_envelope(
    api: Service, name: str
) -> None:
    failed = await api.post("contacts", [{"email": "x"}, JIM])
    path = f"batches/{failed.body['metadata']['batchId']}"
    accept = f"application/json; dialect={name}"
    for default, reply in [
        (await api.get(each), await api.get(each, accept=accept))
        for each in (f"{path}.json", f"{path}/failures.json", "batches.json")
    ]:
        assert spoken(reply.body) == [name]
        assert reply.headers["X-Trace-Id"]
        if "failures" in default.body:
            assert default.body["failures"] in members(reply.body)
        elif isinstance(default.body["data"], list):
            assert default.body["data"] in members(reply.body)
        else:
            shown = {
                key: default.body["data"][key] for key in ("id", "state", "metadata", "failures")
            }
            assert any(
                isinstance(each, dict) and shown.items() <= each.items()
                for each in members(reply.body)
            )


def members(document: Any) -> list[Any]:
    """Every value in a document, itself included."""
    if isinstance(document, dict):
        return [document, *(each for value in document.values() for each in members(value))]
    return [document]


@DIALECT
async def test_x12_a_dialect_changes_no_right(api: Service, operator: Pool, name: str) -> None:
    _, token = await create_token(operator, "acme", "reader", role="reader", dialect=name)
    reply = await Service(api.client, token).post("contacts.json", JIM)
    assert spoken(reply.body) == [name]
    assert "insufficient_scope" in reply.headers["WWW-Authenticate"]
    assert await written(operator) == NOTHING


PROBLEM = "application/problem+json"


def problem_of(reply: Reply, name: str, status: int) -> dict[str, Any]:
    """The problem of an answer, which says the same as its status line."""
    assert reply.headers["Content-Type"] == PROBLEM
    assert (reply.status, reply.body["status"]) == (status, status)
    assert reply.body["type"].endswith(f"/docs/errors/{name}")
    assert reply.body["title"]
    assert reply.body["detail"]
    body: dict[str, Any] = reply.body
    return body


async def test_x13_errors_are_problems(api: Service) -> None:
    for path, name, status in (
        ("contacts/nobody", "item_not_found", 404),
        ("nothing", "unknown_collection", 404),
        ("nothing/at/all", "unknown_endpoint", 404),
        ("contacts?limit=0", "invalid_parameter", 400),
    ):
        problem = problem_of(await api.get(path, accept=PROBLEM), name, status)
        assert problem["error"]["name"] == name
    wrong = Service(api.client, "wrong")
    problem_of(await wrong.get("contacts", accept=PROBLEM), "token_invalid", 401)


async def test_x13_each_error_of_an_item_has_its_pointer(service: Service, operator: Pool) -> None:
    items = [JIM, {"email": "x", "tags": ["a", 1]}]
    reply = await service.post("contacts", items, accept=PROBLEM)
    problem = problem_of(reply, "invalid_items", 422)
    assert problem["instance"] == f"/v1/batches/{problem['metadata']['batchId']}"
    found = {(each["pointer"], each["code"]) for each in problem["errors"]}
    assert found == {("#/1/email", 42204), ("#/1/tags/1", 42203), ("#/1/first_name", 42201)}
    assert all(each["detail"] for each in problem["errors"])
    assert await stored(operator, "collections.contacts") == 0
    assert (await service.post("contacts", [JIM])).status == 201
    conflict = await service.post("contacts", [JIM], accept=PROBLEM)
    assert [
        (each["pointer"], each["code"])
        for each in problem_of(conflict, "invalid_items", 422)["errors"]
    ] == [("#/0/email", 40903)]


async def test_x13_the_pointer_of_one_object_begins_in_it(api: Service) -> None:
    reply = await api.post("contacts", {"email": "x", "first_name": "Jim"}, accept=PROBLEM)
    assert [each["pointer"] for each in reply.body["errors"]] == ["#/email"]


async def test_x13_a_success_is_no_problem(service: Service) -> None:
    for accept in (PROBLEM, f"application/json, {PROBLEM}"):
        reply = await service.get("contacts", accept=accept)
        assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
        assert spoken(reply.body) == ["collection"]
        assert (await service.post("contacts", [], accept=accept)).status == 201
        named = await service.post("contacts", [], accept=f"{PROBLEM}; dialect=collection")
        assert named.status == 200


@DIALECT
async def test_x13_problems_win_over_the_dialect_of_a_token(
    api: Service, operator: Pool, name: str
) -> None:
    own = await with_token(api, operator, name)
    problem_of(await own.get("contacts/nobody", accept=PROBLEM), "item_not_found", 404)
    accept = f"{PROBLEM}; dialect={name}"
    if name == "collection":
        problem_of(await own.get("contacts/nobody", accept=accept), "item_not_found", 404)
    else:
        response, body = await raw(own, "/v1/contacts", accept)
        assert (response.status, body) == (406, b"")
