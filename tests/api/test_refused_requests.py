"""Requests that are refused before their body counts: path, method, parameters, format, token."""

import datetime as dt

import pytest

from ingest.store.pool import Pool
from ingest.store.tokens import create_token, revoke_token
from tests.api.shared import JIM, NOTHING, exchange, head, written
from tests.harness import Service
from tests.waiting import until

BATCH = "0191d7a0-0000-7000-8000-000000000001"


NOT_THERE = [
    ("GET", "/v1", (40401, "unknown_endpoint")),
    ("POST", "/contacts", (40401, "unknown_endpoint")),
    ("GET", "/v2/contacts", (40401, "unknown_endpoint")),
    ("GET", "/v1/contacts/a/b", (40401, "unknown_endpoint")),
    ("GET", "/v1/nothing", (40402, "unknown_collection")),
    ("POST", "/v1/nothing", (40402, "unknown_collection")),
    ("PATCH", "/v1/Contacts", (40402, "unknown_collection")),
    ("DELETE", "/v1/nothing", (40402, "unknown_collection")),
    ("POST", "/v1/nothing:delete", (40402, "unknown_collection")),
    ("GET", "/v1/nothing/1", (40402, "unknown_collection")),
    ("GET", "/v1/ingest.batches", (40402, "unknown_collection")),
    ("GET", f"/v1/contacts/{BATCH}", (40403, "item_not_found")),
    ("GET", "/v1/contacts/x", (40403, "item_not_found")),
    ("GET", f"/v1/batches/{BATCH}", (40404, "unknown_batch")),
    ("GET", "/v1/batches/x", (40404, "unknown_batch")),
]


async def test_what_is_not_there(api: Service, operator: Pool) -> None:
    for method, path, error in NOT_THERE:
        reply = await api.request(method, path, [JIM] if method != "GET" else None)
        assert (reply.status, reply.error) == (404, error), path
        assert reply.body["result"] == "error"
    assert await written(operator) == NOTHING


ALL = {"GET", "HEAD", "POST", "PATCH", "DELETE"}
NOT_ALLOWED = [
    ("PUT", "/v1/contacts", ALL),
    ("OPTIONS", "/v1/contacts", ALL),
    ("POST", "/v1/contacts/1", {"GET", "HEAD"}),
    ("POST", f"/v1/batches/{BATCH}", {"GET", "HEAD", "DELETE"}),
    ("POST", "/healthz", {"GET", "HEAD"}),
]


async def test_a_method_that_is_not_allowed(api: Service) -> None:
    for method, path, allowed in NOT_ALLOWED:
        reply = await api.request(method, path)
        assert (reply.status, reply.error) == (405, (40501, "method_not_allowed")), path
        assert {name.strip() for name in reply.headers["Allow"].split(",")} == allowed, path


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
async def test_an_unknown_parameter_of_a_write_is_named(
    api: Service, operator: Pool, method: str
) -> None:
    for parameter in ("dryrun", "limit", "email", "MATCHING", ""):
        reply = await api.request(method, "/v1/contacts", [JIM], params={parameter: "1"})
        assert (reply.status, reply.error) == (400, (40002, "invalid_parameter"))
        assert repr(parameter) in reply.body["message"]
    assert await written(operator) == NOTHING


REFUSED_READS = [
    "contacts?nothing=1",
    "contacts?limit=1&limit=2",
    "contacts?select=email&select=id",
    "contacts?tags=a",
    "everything?secret=x",
    f"contacts/{BATCH}?limit=1",
    f"batches/{BATCH}?limit=1",
]


async def test_an_unknown_or_repeated_parameter_of_a_read_is_refused(api: Service) -> None:
    for path in REFUSED_READS:
        reply = await api.get(path)
        assert (reply.status, reply.error) == (400, (40002, "invalid_parameter")), path


REFUSED_ACCEPTS = (
    "application/pdf",
    "text/*",
    "application/json;q=0",
    "*/*;q=0",
    "application/json;q=0, text/x",
)
ACCEPTS = ("", "*/*", "application/*", "text/html, */*;q=0.1", "APPLICATION/JSON", "*/*;q=0.001")


async def test_an_accept_that_admits_nothing_gets_no_body(api: Service, operator: Pool) -> None:
    for accept in REFUSED_ACCEPTS:
        headers = {"Authorization": f"Bearer {api.token}", "Accept": accept}
        async with api.client.post("/v1/contacts", json=[JIM], headers=headers) as response:
            assert response.status == 406, accept
            assert await response.read() == b""
            assert response.headers["X-Trace-Id"]
    assert await written(operator) == NOTHING


async def test_an_accept_that_admits_json_gets_it(api: Service) -> None:
    for accept in ACCEPTS:
        assert (await api.get("contacts", accept=accept)).status == 200, accept


async def test_accept_headers_are_read_together(api: Service) -> None:
    lines = ("Accept: application/pdf", "Accept: application/json")
    reply = await exchange(api, head(api, *lines, method="GET"))
    assert reply.status == 200


async def test_a_token_is_required(api: Service, operator: Pool) -> None:
    for value in (None, "", "Bearer", "Basic amltOmppbQ==", "TOKEN"):
        headers = {} if value is None else {"Authorization": value}
        for method, path in (("POST", "/v1/contacts"), ("GET", f"/v1/batches/{BATCH}")):
            async with api.client.request(method, path, headers=headers) as response:
                assert response.status == 401, value
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
                body = await response.json()
            assert (body["result"], body["status"]) == ("error", 401)
            assert (body["error"]["code"], body["error"]["name"]) == (40101, "token_required")
            assert body["error"]["type"] == "permission"
    assert await written(operator) == NOTHING


async def _refused(api: Service, operator: Pool, token: str) -> None:
    for reply in (
        await api.post("contacts", JIM, token=token),
        await api.get("contacts", token=token),
    ):
        assert (reply.status, reply.error) == (401, (40102, "token_invalid"))
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")
        assert await written(operator) == NOTHING


async def test_an_unknown_token_is_refused(api: Service, operator: Pool) -> None:
    for token in ("ingest_unknown", "x", "a b", "täg", "x" * 4000):
        await _refused(api, operator, token)


async def test_a_token_that_is_no_utf8_is_refused(api: Service) -> None:
    lines = b"GET /v1/contacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n"
    reply = await exchange(api, lines)
    assert (reply.status, reply.error) == (401, (40102, "token_invalid"))


async def test_a_revoked_token_is_soon_refused(api: Service, operator: Pool) -> None:
    id_, token = await create_token(operator, "acme", "soon gone")
    assert (await api.get("contacts", token=token)).status == 200
    assert await revoke_token(operator, id_)

    async def refused() -> bool:
        return (await api.get("contacts", token=token)).status == 401

    await until(refused)
    await _refused(api, operator, token)


async def test_an_expired_token_is_refused(api: Service, operator: Pool) -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    _, token = await create_token(operator, "acme", "old", past)
    await _refused(api, operator, token)
    _, fresh = await create_token(operator, "acme", "new", past + dt.timedelta(hours=1))
    assert (await api.get("contacts", token=fresh)).status == 200


async def test_the_scheme_is_read_in_any_case(api: Service) -> None:
    for value in (f"bearer {api.token}", f"BEARER   {api.token} "):
        async with api.client.get("/v1/contacts", headers={"Authorization": value}) as response:
            assert response.status == 200


NO_HTTP = [
    b"nonsense\r\n\r\n",
    b"GET /v1/contacts HTTP/1.1\r\nbad header\r\n\r\n",
    b"POST /v1/contacts HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /v1/contacts HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n",
]


async def test_malformed_http_gets_json_too(api: Service) -> None:
    for request in NO_HTTP:
        reply = await exchange(api, request)
        assert (reply.status, reply.error) == (400, (40001, "malformed_body")), request[:50]
        assert reply.body["result"] == "error"
        assert len(reply.headers["X-Trace-Id"]) == 32


NO_TEXT = [
    ("/v1/%00", (404, 40402)),
    ("/v1/%FF", (404, 40402)),
    ("/v1/people/%00", (404, 40403)),
    ("/v1/people/%FF", (404, 40403)),
    ("/v1/people?name=%00", (400, 40002)),
    ("/v1/people?%00=1", (400, 40002)),
    ("/v1/contacts/%E2%82", (404, 40403)),
    ("/v1/batches/%00", (404, 40404)),
]


async def test_paths_that_are_no_text(api: Service) -> None:
    for path, codes in NO_TEXT:
        reply = await exchange(api, head(api, method="GET", path=path))
        assert (reply.status, reply.body["error"]["code"]) == codes, path
