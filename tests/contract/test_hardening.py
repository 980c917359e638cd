"""What every response says, and requests that are too large, for others, or from behind a proxy."""

import json

import pytest
from harness import Service
from structlog.testing import capture_logs

from ingest.errors import ConfigurationError
from ingest.http.hardening import MAX_FIELD, MAX_FIELDS, MAX_LINE, SECURE_HEADERS, parse_networks
from tests.contract.shared import JIM, configured, exchange, head, send


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


async def test_two_hosts_are_refused(api: Service) -> None:
    reply = await exchange(api, head(api, "Host: other", method="GET"))
    assert (reply.status, reply.error) == (400, (40001, "malformed_body"))


@configured(allowed_hosts="api.example.com, *.internal")
async def test_only_hosts_that_are_served_are_answered(api: Service) -> None:
    for host in ("api.example.com", "API.example.com:8443", "a.internal", "a.b.internal:1"):
        assert (await api.get("contacts", host=host)).status == 200, host
    for host in ("localhost", "example.com", "internal", "api.example.com.evil.com", "[::1]:80"):
        reply = await api.get("contacts", host=host)
        assert (reply.status, reply.error) == (400, (40002, "invalid_parameter")), host
        assert (await api.request("GET", "/healthz", host=host)).status == 200


PROXIED = [
    ({}, "127.0.0.1"),
    ({"x_forwarded_for": "203.0.113.7"}, "203.0.113.7"),
    ({"x_forwarded_for": "6.6.6.6, 203.0.113.7, 10.1.2.3"}, "203.0.113.7"),
    ({"x_forwarded_for": "10.1.2.3, 10.9.9.9"}, "10.1.2.3"),
    ({"x_forwarded_for": "6.6.6.6, unknown, 10.1.2.3"}, "10.1.2.3"),
    ({"x_forwarded_for": "2001:db8::1"}, "2001:db8::1"),
]


@configured(trusted_proxies="127.0.0.1, 10.0.0.0/8")
async def test_the_clients_address_is_the_last_that_no_trusted_proxy_has(api: Service) -> None:
    for headers, address in PROXIED:
        with capture_logs() as lines:
            await api.get("contacts", **headers)
        assert [line["client"] for line in lines if line["event"] == "request"] == [address]


async def test_nobody_is_believed_about_addresses_who_is_not_trusted(api: Service) -> None:
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
