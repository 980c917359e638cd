"""A client that retries as ours should, and remembers what it was told.

The same Idempotency-Key for every try; 409 replayed and 202 lead to the batch, which is polled;
lost connections, 500 and 503 are tried again after a pause that grows and is bounded.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp

Items = Sequence[dict[str, Any]]
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5
_COMMITTED = (200, 201, 207)


@dataclass
class Sent:
    """One batch as its client knows it."""

    key: str
    items: int
    batches: set[str] = field(default_factory=set)
    """Every batch id that an answer named as accepted."""
    state: str | None = None
    """What the client was told in the end: `committed`, `failed`; None where it gave up."""


@dataclass
class Ledger:
    """What all clients of an experiment were told."""

    sent: list[Sent] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    requests: int = 0
    lost_connections: int = 0
    unexpected: list[str] = field(default_factory=list)
    longest_held: float = 0.0
    """The longest time of 409s for a key without a request in flight, in seconds."""
    slowest_refusal: float = 0.0
    """The longest time until a 503, in seconds."""
    without_retry_after: int = 0
    """How many 503s did not say when to come back."""

    @property
    def settled(self) -> int:
        return sum(1 for each in self.sent if each.state is not None)


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def code(self) -> int | None:
        """The code of an error of the whole request."""
        code: int | None = (self.body.get("error") or {}).get("code")
        return code


class Client:
    """Sends batches for one ledger; any number of them at once."""

    def __init__(
        self, url: str, token: str, ledger: Ledger, within: float = 60.0, patience: float = 25.0
    ) -> None:
        """Args: seconds, for a batch with all its tries (`within`), and for one (`patience`)."""
        self.ledger = ledger
        self._url = url
        self._timeout = within
        self._patience = aiohttp.ClientTimeout(total=patience)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(timeout=self._patience, connector=connector)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def request(
        self, method: str, path: str, items: Items | None = None, **headers: str
    ) -> Reply | None:
        """One try; None where the connection was lost."""
        assert self._session is not None
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | self._headers
        began = time.monotonic()
        self.ledger.requests += 1
        try:
            async with self._session.request(
                method, self._url + path, json=items, headers=sent
            ) as response:
                reply = Reply(response.status, dict(response.headers), await response.json())
        except (aiohttp.ClientError, TimeoutError, OSError):
            self.ledger.lost_connections += 1
            return None
        self._note(reply, time.monotonic() - began)
        return reply

    def _note(self, reply: Reply, seconds: float) -> None:
        self.ledger.statuses[reply.status] += 1
        if reply.status == 503:
            self.ledger.slowest_refusal = max(self.ledger.slowest_refusal, seconds)
            self.ledger.without_retry_after += "Retry-After" not in reply.headers

    async def save(
        self, key: str, items: Items, path: str = "/v1/deals", prefer: str = "return=minimal"
    ) -> Sent:
        """Save a batch, however often that takes."""
        sent = Sent(key, len(items))
        self.ledger.sent.append(sent)
        try:
            async with asyncio.timeout(self._timeout):
                await self._settle(sent, items, path, prefer)
        except TimeoutError:
            self.ledger.unexpected.append(f"{key}: not settled in {self._timeout:.0f} s")
        return sent

    async def _settle(self, sent: Sent, items: Items, path: str, prefer: str) -> None:
        pause = _FIRST_PAUSE
        held_since: float | None = None
        while sent.state is None:
            reply = await self.request("POST", path, items, Idempotency_Key=sent.key, Prefer=prefer)
            if reply is None or reply.code != 40902:
                held_since = None
            else:
                held_since = held_since or time.monotonic()
                held = time.monotonic() - held_since
                self.ledger.longest_held = max(self.ledger.longest_held, held)
            if reply is not None and self._understood(sent, reply):
                location = reply.headers.get("Location")
                if sent.state is None and location is not None:
                    sent.state = await self.follow(location)
                continue
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _understood(self, sent: Sent, reply: Reply) -> bool:
        """Learn from an answer; False where the same request has to be sent again."""
        metadata = reply.body.get("metadata") or {}
        if reply.status in _COMMITTED:
            sent.batches.add(metadata["batchId"])
            sent.state = "committed"
        elif reply.status == 202 or reply.code == 40901:
            sent.batches.add(reply.headers["Location"].rsplit("/", 1)[-1])
        elif reply.code == 50001 and "batchId" in metadata:
            sent.batches.add(metadata["batchId"])
            sent.state = "failed"
        elif reply.status == 422 and reply.body["result"] == "failure":
            sent.state = "refused"
        else:
            if reply.code not in (40902, 50001, 50301):
                self.ledger.unexpected.append(f"{sent.key}: {reply.status} {reply.body}")
            return False
        return True

    async def follow(self, location: str) -> str:
        """Ask for a batch until it is finished."""
        pause = _FIRST_PAUSE
        while True:
            reply = await self.request("GET", location)
            if reply is not None and reply.status == 200:
                state: str = reply.body["data"]["state"]
                if state in ("committed", "failed"):
                    return state
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
