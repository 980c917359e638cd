"""Idempotency keys of API processes that are killed, and of one that is paused and goes on."""

import contextlib
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
import redis

from ingest.processes.port import free_port
from tests.acceptance.conftest import POLL, TIMEOUT
from tests.api.streaming import NDJSON, large

if TYPE_CHECKING:
    from conftest import Command, Dev, Start

HOST = "127.0.0.1"
_ITEMS = 1_200  # more than one chunk: the rest of the body can be waited for
_MOST = 5  # seconds for which a key may be taken after its process died


@dataclass
class Api:
    """An API process of its own."""

    command: "Command"
    port: int
    token: str

    def begin(self, key: str, body: bytes) -> HTTPConnection:
        """Send a body whose end is still to come."""
        connection = HTTPConnection(HOST, self.port, timeout=TIMEOUT)
        connection.putrequest("POST", "/v1/contacts")
        for name, value in self._headers(key).items():
            connection.putheader(name, value)
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        connection.send(b"%x\r\n%s\r\n" % (len(body), body))
        return connection

    def send(self, key: str, body: bytes) -> "Answer":
        connection = HTTPConnection(HOST, self.port, timeout=TIMEOUT)
        with contextlib.closing(connection):
            connection.request("POST", "/v1/contacts", body, self._headers(key))
            return answer_of(connection)

    def _headers(self, key: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": NDJSON,
            "Idempotency-Key": key,
            "Prefer": "wait=60, return=minimal",
        }


@dataclass(frozen=True)
class Answer:
    status: int
    code: int | None
    headers: dict[str, str]
    batch: str | None


def answer_of(connection: HTTPConnection) -> Answer:
    response = connection.getresponse()
    document: dict[str, Any] = json.loads(response.read())
    headers = dict(response.getheaders())
    batch = document.get("metadata", {}).get("batchId")
    return Answer(response.status, document.get("error", {}).get("code"), headers, batch)


@pytest.fixture
def body() -> bytes:
    return b"".join(json.dumps(large(number)).encode() + b"\n" for number in range(_ITEMS))


@pytest.fixture
def keys(dev: "Dev") -> "Iterator[redis.Redis]":
    with redis.Redis.from_url(dev.ready["redisUrl"]) as client:
        client.flushall()
        yield client


def api_of(start: "Start", dev: "Dev", **settings: str) -> Api:
    port = free_port()
    command = start("serve", "--port", str(port), **settings)
    command.until(lambda: command.logged("serving"), "a process that serves")
    return Api(command, port, dev.ready["token"])


def until_claimed(api: Api, keys: "redis.Redis") -> None:
    api.command.until(lambda: any(keys.scan_iter("ingest:key:*")), "the claim")


def items_of(dev: "Dev") -> int:
    count: int = dev.request("GET", "/v1/contacts?limit=1").body["metadata"]["recordsCount"]
    return count


def batches_of(dev: "Dev") -> list[str]:
    shown = dev.request("GET", "/v1/batches?limit=1000").body["data"]
    return [each["id"] for each in shown if each["state"] == "committed"]


def test_a_key_is_free_soon_after_its_process_was_killed(
    start: "Start", dev: "Dev", keys: "redis.Redis", body: bytes
) -> None:
    """A client that waits as long as it is told finds it so."""
    killed, other = api_of(start, dev), api_of(start, dev)
    before = items_of(dev), len(batches_of(dev))
    with contextlib.closing(killed.begin("killed", body)):
        until_claimed(killed, keys)
        keys.config_resetstat()

        def renewed() -> bool:
            """More often than within one lease."""
            stats: Any = keys.info("commandstats")
            return bool(stats.get("cmdstat_pexpire", {}).get("calls", 0) > 4)

        killed.command.until(renewed, "renewals")
        assert other.send("killed", body).code == 40902
        killed.command.process.kill()
        killed.command.process.wait(TIMEOUT)
        told = other.send("killed", body)
        assert (told.status, told.code) == (409, 40902)
        wait = int(told.headers["Retry-After"])
        assert 1 <= wait <= _MOST
        time.sleep(wait)  # as the client is told
        again = other.send("killed", body)
    assert (again.status, again.code) == (201, None)
    assert (items_of(dev), len(batches_of(dev))) == (before[0] + _ITEMS, before[1] + 1)


def test_a_process_that_is_paused_and_goes_on_writes_nothing_twice(
    start: "Start", dev: "Dev", keys: "redis.Redis", body: bytes
) -> None:
    """Its claim was taken by the retry: it answers as to a replay, whatever it had in hand."""
    short = {"INGEST_IDEMPOTENCY_LEASE": "0.5"}
    paused, other = api_of(start, dev, **short), api_of(start, dev, **short)
    body = body.replace(b"@", b"@paused.")
    before = items_of(dev), len(batches_of(dev))
    with contextlib.closing(paused.begin("paused", body)) as connection:
        until_claimed(paused, keys)
        paused.command.process.send_signal(signal.SIGSTOP)
        try:
            deadline = time.monotonic() + TIMEOUT
            while (retry := other.send("paused", body)).code == 40902:
                assert time.monotonic() < deadline, "the key is not freed"
                time.sleep(POLL)
        finally:
            paused.command.process.send_signal(signal.SIGCONT)
        assert (retry.status, retry.code) == (201, None)
        connection.send(b"0\r\n\r\n")  # what it was waiting for
        late = answer_of(connection)
    assert (late.status, late.code) == (409, 40901)
    assert late.headers["Location"] == f"/v1/batches/{retry.batch}"
    assert (items_of(dev), len(batches_of(dev))) == (before[0] + _ITEMS, before[1] + 1)
