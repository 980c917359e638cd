"""The clients of the load generator: HTTP on bare sockets, and COPY by asyncpg."""

import asyncio
import math
import statistics
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import asyncpg

from benchmarks.samples import SAMPLES
from benchmarks.samples.sample import Sample, bad_among

if TYPE_CHECKING:
    from benchmarks.load import Load

_CREATED, _SAVED, _SOME, _NONE, _ACCEPTED, _UNAVAILABLE = 201, 200, 207, 422, 202, 503
_KINTO_RECORDS = "/buckets/bench/collections/%s/records"
_KINTO = '{"defaults":{"method":"POST","path":"%s"},"requests":[%s]}'


class Tally:
    """The answers to the clients of one load."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.ended = began
        self.items = 0
        self.refused = 0
        self.retry_after: list[float] = []
        """The `Retry-After` of each refusal, in seconds; 0 where there was none."""
        self.errors: list[str] = []
        self.answers: list[tuple[float, float, int]] = []
        """When each answer came, how long it took (both in seconds), its status."""

    def add(self, sent: float, status: int, saved: int) -> None:
        now = time.perf_counter()
        self.ended = now
        self.items += saved
        self.answers.append((now - self.began, now - sent, status))

    def refuse(self, retry_after: float) -> None:
        """Note a refusal (503)."""
        self.refused += 1
        self.retry_after.append(retry_after)

    def percentile(self, share: float) -> float:
        """In milliseconds, by the nearest rank: of ten, the 99th percentile is the greatest."""
        times = sorted(took for _, took, status in self.answers if status != _UNAVAILABLE)
        if not times:
            return 0.0
        return round(1000 * times[max(math.ceil(share * len(times)) - 1, 0)], 3)

    def timeline(self) -> list[dict[str, Any]]:
        """Of each second: requests by status, and latencies of those that were not refused."""
        seconds: dict[int, list[tuple[float, int]]] = {}
        for when, took, status in self.answers:
            seconds.setdefault(int(when), []).append((took, status))
        lines = []
        for second, answers in sorted(seconds.items()):
            times = [took for took, status in answers if status != _UNAVAILABLE]
            lines.append(
                {
                    "second": second,
                    "statuses": dict(Counter(str(status) for _, status in answers)),
                    "p50": round(1000 * statistics.median(times), 2) if times else None,
                    "max": round(1000 * max(times), 2) if times else None,
                }
            )
        return lines


class Client(ABC):
    """One client with one connection."""

    @abstractmethod
    async def send(self, place: int, tally: Tally) -> None:
        """Send the body of this place, and add its answer to the tally."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connection."""


class _Connection(asyncio.Protocol):
    """Just enough of HTTP/1.1 to read answers with a Content-Length, one after the other."""

    def __init__(self) -> None:
        self.transport: Any = None
        self._buffer = bytearray()
        self._missing = -1
        self._status = 0
        self._headers = b""
        self._answer: asyncio.Future[tuple[int, bytes, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def request(self, data: bytes) -> "asyncio.Future[tuple[int, bytes, bytes]]":
        """Send a request; status, headers and body of its answer."""
        self._buffer.clear()
        self._missing = -1
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        return self._answer

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            self._buffer += data
            if (end := self._buffer.find(b"\r\n\r\n")) < 0:
                return
            self._headers = bytes(self._buffer[: end + 2]).lower()
            self._status = int(self._headers[9:12])
            length = _header(self._headers, b"content-length")
            if length is None:
                self._fail(ConnectionError("an answer without Content-Length"))
                return
            self._missing = int(length) - (len(self._buffer) - end - 4)
            del self._buffer[: end + 4]
        else:
            self._buffer += data
            self._missing -= len(data)
        if self._missing == 0 and self._answer is not None and not self._answer.done():
            self._answer.set_result((self._status, self._headers, bytes(self._buffer)))

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(error or ConnectionError("the connection was closed"))

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def _header(headers: bytes, name: bytes) -> bytes | None:
    _, found, rest = headers.partition(b"\r\n" + name + b":")
    return rest.partition(b"\r\n")[0].strip() if found else None


class HttpClient(Client):
    """A keep-alive connection; a request is not repeated when its connection closes."""

    def __init__(self, load: "Load", request_of: Callable[[int], bytes]) -> None:
        self._load = load
        self._request_of = request_of
        self._asynchronous = "respond-async" in load.headers.get("Prefer", "")
        self._connection: _Connection | None = None

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, self._connection = await loop.create_connection(
            _Connection, "127.0.0.1", int(self._load.target)
        )

    async def send(self, place: int, tally: Tally) -> None:
        request = self._request_of(place)
        sent = time.perf_counter()  # the first time: what is sent again has waited meanwhile
        while True:
            if self._connection is None or self._connection.transport.is_closing():
                await self.connect()
            assert self._connection is not None
            status, headers, body = await self._connection.request(request)
            if _header(headers, b"connection") == b"close":
                self._connection.transport.close()
            if status != _UNAVAILABLE:
                break
            retry_after = float(_header(headers, b"retry-after") or 0)
            tally.refuse(retry_after)
            if not self._load.patient:
                break
            await asyncio.sleep(retry_after or 1)
        tally.add(sent, status, self._saved(place, status, body, tally))

    def _saved(self, place: int, status: int, body: bytes, tally: Tally) -> int:
        """How many items are saved, by the answer; unexpected answers are added to the errors."""
        load = self._load
        bad = bad_among(load.first + place * load.size, load.size) if load.bad else 0
        all_saved = _CREATED if load.method == "POST" else _SAVED
        expected = all_saved if not bad else (_NONE if bad == load.size else _SOME)
        if load.kind == "kinto":
            if status == _SAVED and body.count(b'"status":201') == load.size:
                return load.size
        elif status == expected or (status == _ACCEPTED and self._asynchronous):
            return load.size - bad
        if status != _UNAVAILABLE:
            tally.errors.append(f"{status}: {body[:500].decode(errors='replace')}")
        return 0

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.transport.close()


class CopyClient(Client):
    """A connection that copies ready records into the peers' table."""

    def __init__(
        self, sample: Sample, ready: dict[int, list[tuple[Any, ...]]], connection: Any
    ) -> None:
        self._table, self._columns = sample.collection, tuple(sample.columns)
        self._records = ready
        self._connection = connection

    async def send(self, place: int, tally: Tally) -> None:
        ready = self._records.pop(place)
        sent = time.perf_counter()
        await self._connection.copy_records_to_table(
            self._table, records=ready, columns=self._columns
        )
        tally.add(sent, _CREATED, len(ready))

    async def close(self) -> None:
        await self._connection.close()


async def connect_clients(load: "Load") -> list[Client]:
    """The clients of a load, connected, with all that they will send."""
    if load.kind == "copy":
        return await _copy_clients(load)
    bodies = Requests(load)
    clients = [HttpClient(load, bodies.get) for _ in range(load.clients)]
    for client in clients:
        await client.connect()
    return list(clients)


async def _copy_clients(load: "Load") -> list[Client]:
    sample = SAMPLES[load.sample]
    ready = {
        place: list(sample.records(load.serial, load.numbers(place)))
        for place in range(load.requests)
    }
    return [
        CopyClient(sample, ready, await asyncpg.connect(load.target, timeout=10))
        for _ in range(load.clients)
    ]


class Requests:
    """The requests of a load, each made before the clock starts, unless it streams."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._sample = SAMPLES[load.sample]
        headers = {"Host": "127.0.0.1", "Content-Type": "application/json", **load.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{load.method} {load.path} HTTP/1.1\r\n{lines}"
        bearers = [f"Authorization: Bearer {token}\r\n" for token in load.tokens]
        self._heads = [head + bearer for bearer in bearers] or [head]
        self._ready = None if load.stream else [self._make(n) for n in range(load.requests)]

    def get(self, place: int) -> bytes:
        return self._make(place) if self._ready is None else self._ready[place]

    def _make(self, place: int) -> bytes:
        load = self._load
        made = self._sample.items(
            load.serial,
            load.numbers(place),
            bad=load.bad,
            fields=tuple(load.fields),
            edition=load.edition,
        )
        if load.kind == "kinto":
            wrapped = ",".join(f'{{"body":{{"data":{item}}}}}' for item in made)
            body = _KINTO % (_KINTO_RECORDS % load.sample, wrapped)
        else:
            body = f"[{','.join(made)}]"
        head = self._heads[place % len(self._heads)]
        if load.keys:
            head += f'Idempotency-Key: "{load.serial}.{load.first + place}"\r\n'
        return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
