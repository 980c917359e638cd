"""What every response says, and requests that are too large, for others, or from behind a proxy."""

import json

import pytest
from structlog.testing import capture_logs

from ingest.errors import ConfigurationError
from ingest.http.security import MAX_FIELD, MAX_FIELDS, MAX_LINE, SECURE_HEADERS, parse_networks
from tests.api.shared import JIM, configured, exchange, head, send
from tests.harness import Service

ODD_METHODS = ["PUT", "OPTIONS", "TRACE", "PROPFIND", "LOCK", "PURGE"]


async def test_every_response_has_secure_headers(service: Service) -> None:
    replies = [
        await service.post("contacts", JIM),
        await service.get("contacts"),
        await service.get("contacts", token="x"),
        await service.get("nothing"),
        await service.request("GET", "/healthz"),
        await service.request("PUT", "/v1/contacts"),
        await service.get("contacts", accept="image/png"),
        await exchange(service, b"nonsense\r\n\r\n"),
    ]
    assert [reply.status for reply in replies] == [201, 200, 401, 404, 200, 405, 406, 400]
    for reply in replies:
        assert reply.headers["Server"] == "ingest"
        for name, value in SECURE_HEADERS.items():
            assert reply.headers[name] == value, (reply.status, name)


async def test_a_path_that_is_too_long_is_refused(api: Service) -> None:
    reply = await exchange(api, head(api, method="GET", path="/v1/contacts/" + "x" * MAX_LINE))
    assert (reply.status, reply.error) == (400, (40001, "malformed_body"))


@pytest.mark.parametrize(
    "lines",
    [["X-Large: " + "x" * (MAX_FIELD + 1)], [f"X-{number}: x" for number in range(MAX_FIELDS + 1)]],
    ids=["large", "many"],
)
async def test_headers_that_are_too_much_are_refused(api: Service, lines: list[str]) -> None:
    reply = await exchange(api, head(api, *lines, method="GET"))
    assert (reply.status, reply.error) == (400, (40001, "malformed_body"))


async def test_what_is_too_long_is_not_repeated(api: Service) -> None:
    line = f"Authorization: Bearer zsecretz{'x' * MAX_FIELD}"
    reply = await exchange(api, head(api, line, method="GET"))
    assert reply.body["error"]["description"] == "Its request line, or a header, is too long."


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        *((method, "/v1/contacts", "DELETE, GET, HEAD, PATCH, POST") for method in ODD_METHODS),
        ("GET", "/v1/contacts:delete", "POST"),
        ("DELETE", "/v1/contacts:delete", "POST"),
        ("PATCH", "/v1/contacts/x", "GET, HEAD"),
        ("POST", "/v1/batches", "GET, HEAD"),
        ("DELETE", "/v1/batches", "GET, HEAD"),
        ("POST", "/v1/batches.json", "GET, HEAD"),
        ("PATCH", "/v1/batches/x", "DELETE, GET, HEAD"),
        ("POST", "/v1/batches/x/failures", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
    ],
)
async def test_methods_that_a_path_does_not_have(
    api: Service, method: str, path: str, allowed: str
) -> None:
    reply = await api.request(method, path)
    assert (reply.status, reply.error) == (405, (40501, "method_not_allowed"))
    assert reply.headers["Allow"] == allowed


@pytest.mark.parametrize("path", ["/v1/contacts:frob", "/v1/batches:delete", "/v1/:delete", "/v1/"])
async def test_what_cannot_be_done_with_a_collection(api: Service, path: str) -> None:
    reply = await api.request("POST", path)
    assert (reply.status, reply.error) == (404, (40401, "unknown_endpoint"))


@pytest.mark.parametrize("path", ["/v1/contacts", "/nowhere"])
async def test_nothing_is_expected_but_to_continue(api: Service, path: str) -> None:
    reply = await exchange(api, head(api, "Expect: a-miracle", "Content-Length: 2", path=path))
    assert (reply.status, reply.error) == (400, (40001, "malformed_body"))
    assert "100-continue" in reply.body["error"]["description"]
    assert len(reply.headers["X-Trace-Id"]) == 32
    assert reply.headers["Server"] == "ingest"


async def test_two_hosts_are_refused(api: Service) -> None:
    reply = await exchange(api, head(api, "Host: other", method="GET"))
    assert (reply.status, reply.error) == (400, (40001, "malformed_body"))


@configured(allowed_hosts="api.example.com, *.internal")
async def test_only_hosts_that_are_served_are_answered(api: Service) -> None:
    for host in ("api.example.com", "API.example.com:8443", "a.internal", "a.b.internal:1"):
        assert (await api.get("contacts", host=host)).status == 200, host
    for host in OTHER_HOSTS:
        reply = await api.get("contacts", host=host)
        assert (reply.status, reply.error) == (400, (40002, "invalid_parameter")), host
        assert (await api.request("GET", "/healthz", host=host)).status == 200


@configured(allowed_hosts="127.0.0.1, api.example.com")
async def test_the_host_is_the_one_that_is_asked_for(api: Service) -> None:
    """A request line with a host overrules the header, and HTTP/1.0 needs neither."""
    token = f"Authorization: Bearer {api.token}\r\n\r\n"
    asked = {
        "GET http://api.example.com/v1/contacts HTTP/1.1\r\nHost: evil.com": 200,
        "GET http://evil.com/v1/contacts HTTP/1.1\r\nHost: api.example.com": 400,
        "GET /v1/contacts HTTP/1.0\r\nHost: api.example.com": 200,
        "GET /v1/contacts HTTP/1.0\r\nX-Nothing: x": 400,
        "GET /v1/contacts HTTP/1.0\r\nHost:": 400,
    }
    for request, status in asked.items():
        reply = await exchange(api, f"{request}\r\n{token}".encode())
        assert reply.status == status, request


OTHER_HOSTS = [
    "localhost",
    "example.com",
    "internal",
    ".internal",
    "api.example.com.evil.com",
    "evil.com#.internal",
    "evil.com/a.internal",
    "api.example.com:x",
    "user@api.example.com",
    "[::1]:80",
    "x" * 500,
]
PROXIED = [
    ({}, "127.0.0.1"),
    ({"x_forwarded_for": "203.0.113.7"}, "203.0.113.7"),
    ({"x_forwarded_for": "6.6.6.6, 203.0.113.7, 10.1.2.3"}, "203.0.113.7"),
    ({"x_forwarded_for": "10.1.2.3, 10.9.9.9"}, "10.1.2.3"),
    ({"x_forwarded_for": "6.6.6.6, unknown, 10.1.2.3"}, "10.1.2.3"),
    ({"x_forwarded_for": "2001:db8::1"}, "2001:db8::1"),
    ({"x_forwarded_for": "6.6.6.6, 2001:DB8:0::1 ,::ffff:10.0.0.1,fd00::1"}, "2001:db8::1"),
    ({"x_forwarded_for": "[2001:db8::1]:4711, 10.0.0.1:80"}, "2001:db8::1"),
    ({"x_forwarded_for": "203.0.113.7:4711"}, "203.0.113.7"),
    ({"x_forwarded_for": ",, 203.0.113.7,,"}, "203.0.113.7"),
    ({"x_forwarded_for": "203.0.113.7, " + ", ".join(["10.0.0.1"] * 500)}, "203.0.113.7"),
    # Nonsense is allowed as it is.
    ({"x_forwarded_for": ""}, "127.0.0.1"),
    ({"x_forwarded_for": "203.0.113.7; drop"}, "127.0.0.1"),
    ({"x_forwarded_for": "203.0.113.777"}, "127.0.0.1"),
    ({"x_forwarded_for": "fe80::1%secret"}, "127.0.0.1"),
    ({"x_forwarded_for": "[203.0.113.7"}, "127.0.0.1"),
    ({"x_forwarded_for": "1:2, 10.0.0.1"}, "10.0.0.1"),
    # The service does not read these.
    ({"forwarded": "for=203.0.113.7", "x_real_ip": "203.0.113.7"}, "127.0.0.1"),
]


@configured(trusted_proxies="127.0.0.1, 10.0.0.0/8, fd00::/8")
async def test_the_clients_address_is_the_last_that_no_trusted_proxy_has(api: Service) -> None:
    for headers, address in PROXIED:
        with capture_logs() as lines:
            await api.get("contacts", **headers)
        assert [line["client"] for line in lines if line["event"] == "request"] == [address]


async def test_only_trusted_proxies_are_believed_about_addresses(api: Service) -> None:
    with capture_logs() as lines:
        await api.get("contacts", x_forwarded_for="203.0.113.7")
    assert [line["client"] for line in lines if line["event"] == "request"] == ["127.0.0.1"]


@pytest.mark.parametrize("text", ["proxy", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.1 10.0.0.2"])
def test_networks_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="INGEST_TRUSTED_PROXIES"):
        parse_networks(text)


SQL_OR_PYTHON = ("SELECT", "INSERT", "ingest.", "asyncpg", "Traceback", "File ", ".py", "$account")


async def test_no_answer_shows_what_is_inside(service: Service) -> None:
    """Requests that reach as far in as they can, and what they must not bring back."""
    nasty = "'; DROP TABLE ingest.tokens; --"
    await service.post("airports", {"iata": "FRA", "name": nasty})
    replies = [
        await service.get(f"contacts/{nasty}"),
        await service.get("contacts", params={"email": nasty}),
        await service.get("contacts", params={nasty: "1"}),
        await service.get("contacts", params={"limit": nasty}),
        await service.get(f"batches/{nasty}"),
        await service.get("contacts?matching=%00"),
        await service.post("contacts", {"email": "x\x00y", "first_name": nasty * 100}),
        await service.post("deals", {"title": "t", "value": "1e999999"}),
        await service.post("contacts", {"id": "x", "meta": {"version": 10**400}}),
        await service.patch("contacts?matching=email", {"email": nasty}),
        await send(service, "contacts", b"\xff\xfe"),
        await send(service, "contacts", b'[{"email": NaN}]'),
        await send(service, "contacts", b"[" * 10_000),
        await service.post("people", {"name": "boom"}),
        await service.request("TRACE", "/v1/contacts"),
        await service.request("PROPFIND", "/v1/contacts"),
    ]
    for reply in replies:
        assert reply.status < 500, reply
        text = json.dumps(reply.body).replace(nasty, "").replace(json.dumps(nasty)[1:-1], "")
        assert not [word for word in SQL_OR_PYTHON if word in text], text[:500]
