"""The logs of a full run, on real processes, hold no token, no key and nothing of a body."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

from tests.databases import execute

if TYPE_CHECKING:
    from tests.acceptance.conftest import Dev

SECRET = "zsecretz"  # in every value that is sent: in keys, in items, in filters and in headers

ITEM = {"email": f"{SECRET}@example.com", "first_name": SECRET}
REQUESTS: list[tuple[str, str, object, dict[str, str]]] = [
    ("POST", "/v1/contacts", [ITEM], {"Idempotency-Key": f"{SECRET}-1"}),
    ("POST", "/v1/contacts", [ITEM], {"Idempotency-Key": f"{SECRET}-1"}),
    ("POST", "/v1/contacts", [{**ITEM, "age": 1}], {"Idempotency-Key": f"{SECRET}-1"}),
    ("POST", "/v1/contacts", [ITEM], {"Idempotency-Key": f"{SECRET}-2"}),
    ("POST", "/v1/contacts", [{"email": SECRET, SECRET: SECRET}], {}),
    ("POST", "/v1/contacts", [{**ITEM, "first_name": f"{SECRET}\0"}], {}),
    ("POST", "/v1/airports", [{"iata": SECRET}], {"Prefer": f"wait={SECRET}"}),
    ("POST", "/v1/airports", [{"iata": "ZSE", "name": SECRET}], {"Prefer": "respond-async"}),
    ("PATCH", "/v1/airports", [{"iata": SECRET}], {}),
    ("PATCH", "/v1/contacts?matching=email", [{**ITEM, "age": 2}], {}),
    ("DELETE", "/v1/airports", [SECRET], {}),
    ("GET", f"/v1/airports/{SECRET}", None, {}),
    ("GET", f"/v1/contacts?email={SECRET}", None, {}),
    ("GET", f"/v1/contacts?{SECRET}=1", None, {}),
    ("GET", f"/v1/{SECRET}", None, {}),
    ("GET", f"/{SECRET}", None, {}),
    ("GET", f"/v1/batches/{SECRET}", None, {}),
    ("GET", "/v1/contacts", None, {"Authorization": f"Bearer ingest_{SECRET}{'x' * 35}"}),
    ("GET", "/v1/contacts", None, {"Authorization": f"Basic {SECRET}"}),
    ("GET", "/v1/contacts", None, {"traceparent": SECRET, "User-Agent": SECRET, "Cookie": SECRET}),
    ("POST", "/v1/contacts", f'[{{"email": "{SECRET}", }}]', {}),
]


MALFORMED = [
    f"Authorization: Bearer ingest_{SECRET}{'x' * 9000}",
    f"X {SECRET}: x",
    f"X-Nul: {SECRET}\0",
    f"Expect: {SECRET}",
    f"Content-Length: {SECRET}",
    f"Transfer-Encoding: {SECRET}",
    f"Host: {SECRET}",
]
PICKY = "ALTER TABLE collections.contacts ADD CONSTRAINT picky CHECK (age IS DISTINCT FROM 77)"


def _send_raw(dev: "Dev", line: str) -> int:
    """The status that a request with a header that no client library would send gets."""
    host, _, port = dev.ready["url"].removeprefix("http://").partition(":")
    request = f"GET /v1/contacts HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request.encode())
        return int(connection.makefile("rb").readline().split()[1])


def _send(dev: "Dev", method: str, path: str, body: object, headers: dict[str, str]) -> int:
    ready = dev.ready
    connection = HTTPConnection(ready["url"].removeprefix("http://"), timeout=30)
    text = body if isinstance(body, str | None) else json.dumps(body)
    with contextlib.closing(connection):
        sent = {"Authorization": f"Bearer {ready['token']}", **headers}
        connection.request(method, path, text, sent)
        return connection.getresponse().status


def test_logs_hold_no_secrets(start_dev: "Callable[..., Dev]", tmp_path: Path) -> None:
    dev = start_dev("--api", "1", "--workers", "1").wait_ready()
    token = dev.ready["token"]
    made = dev.command("token", "create", "--account", "acme", "--name", "feed").stdout.strip()
    passwords = [
        dev.ready[name].split("@")[0].rpartition(":")[2] for name in ("databaseUrl", "redisUrl")
    ]
    statuses = [_send(dev, *request) for request in REQUESTS]
    assert statuses.count(201) == 1
    assert max(statuses) < 500, statuses
    assert {_send_raw(dev, line) for line in MALFORMED} == {400}
    # What the database has against an item, it quotes with the whole of it.
    asyncio.run(execute(dev.ready["databaseUrl"], PICKY))
    item = {**ITEM, "email": f"{SECRET}2@example.com", "age": 77}
    assert _send(dev, "POST", "/v1/contacts", [item], {"Prefer": "wait=60"}) == 500
    dev.until(lambda: dev.complaints.count("batch finished") >= 2, "both commits")
    dev.stop(broken=True)
    servers = [file for file in (tmp_path / "data").rglob("log") if file.is_file()]
    assert len(servers) == 2, servers
    logs = {file.parent.name: file.read_text(errors="replace") for file in servers}
    logs["stderr"] = dev.complaints
    assert "batch finished" in logs["stderr"]
    assert "SQLSTATE 23514" in logs["stderr"]
    for name, text in logs.items():
        for secret in (SECRET, token, token.removeprefix("ingest_"), made, *passwords):
            lines = [line for line in text.splitlines() if secret in line]
            assert lines == [], name
