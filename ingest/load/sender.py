"""Requests that are sent until they have an answer, by the rules of the service.

::

    429, 503, 409 in progress ─▶ wait as Retry-After says ─▶ the same request, the same key
    no connection, no answer ──▶ wait longer each time ────▶ the same request, the same key
    202 ───────────────────────▶ ask for the batch until it is finished
    any other 4xx ─────────────▶ LoadError
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp

from ingest.exactjson import load_exact
from ingest.formats.negotiation import JSON, NDJSON
from ingest.load.calls import (
    AGAIN,
    MAX_SHOWN,
    Answer,
    Call,
    checked,
    document_of,
    is_temporary,
    refused,
    retry_after,
    said,
)
from ingest.load.feed import LoadError

_HOPELESS = (
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ClientConnectorSSLError,
)
_URL = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[^/\s?#:@]+)(:\d{1,5})?(/[^\s?#]*)?")
_FINISHED = ("committed", "rejected", "failed")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds
_FIRST_POLL, _LONGEST_POLL = 0.1, 2.0  # seconds


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what is waited for, in seconds."""

    answer: float = 120.0
    """For an answer, and for each piece of a body to be taken."""
    retries: float = 300.0
    """For a request to be answered, over all tries."""
    commit: float = 3600.0
    """For a batch that is accepted to be finished."""


class Sender:
    """Sends requests to one service."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        patience: Patience,
        say: Callable[[str], None],
    ) -> None:
        """
        Args:
            session: with the headers that every request has, and no timeout of its own.
            url: of the service.
            patience: how long to wait.
            say: told why something is tried again.

        Raises:
            LoadError: the URL cannot be one of a service.
        """
        if not _URL.fullmatch(url):
            raise LoadError(f"{url} is no URL of a service, such as http://127.0.0.1:8080")
        self._session = session
        self._url = url.rstrip("/")
        self._patience = patience
        self._say = say

    async def send(self, call: Call) -> Answer:
        """The final answer to a write.

        Raises:
            LoadError: the request as a whole is refused, or there is no answer.
        """
        answer = await self._answered(call)
        if answer.status == 202:
            return await self._finished(call, answer)
        return checked(call, answer)

    async def failures(self, batch_id: str) -> AsyncIterator[dict[str, Any]]:
        """Every failure of a batch: `index`, `rawData` and `errors`, in the order of indices.

        Raises:
            LoadError: they cannot be read.
        """
        call = Call(
            "GET",
            f"/v1/batches/{UUID(batch_id)}/failures",
            f"the failures of batch {batch_id}",
            headers={"Accept": NDJSON},
        )
        last = -1
        pauses = _Pauses(self._patience.retries)
        complete = False
        while not complete:
            try:
                async for failure in self._read_failures(call):
                    if failure["index"] > last:
                        yield failure
                        last = failure["index"]
                        pauses = _Pauses(self._patience.retries)
                complete = True
            except (aiohttp.ClientError, TimeoutError) as error:
                await self._pause(call, pauses, _reason(error), None)

    async def _read_failures(self, call: Call) -> AsyncIterator[dict[str, Any]]:
        """The failures that one try gets; it breaks off with aiohttp's errors, or TimeoutError."""
        loop = asyncio.get_running_loop()
        async with (
            asyncio.timeout(self._patience.answer) as deadline,
            self._session.get(self._url + call.path, headers=call.headers) as response,
        ):
            if response.status != 200:
                answer = Answer(response.status, document_of(await response.read()))
                if answer.status in AGAIN:
                    raise aiohttp.ClientPayloadError(said(answer))
                raise refused(call, answer)
            rest = b""
            async for chunk in response.content.iter_any():
                deadline.reschedule(loop.time() + self._patience.answer)
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield load_exact(line)

    async def _answered(self, call: Call) -> Answer:
        """The first answer that is worth more than another try."""
        pauses = _Pauses(self._patience.retries)
        while True:
            seconds: float | None = None
            try:
                answer, seconds = await self._once(call)
            except _HOPELESS as error:
                raise LoadError(f"{self._url}: {_reason(error)}") from None
            except (aiohttp.ClientError, TimeoutError) as error:
                if isinstance(error.__cause__, LoadError):  # the body, while it was read
                    raise error.__cause__ from None
                reason = _reason(error)
            else:
                if not is_temporary(answer):
                    return answer
                reason = said(answer)
            await self._pause(call, pauses, reason, seconds)

    async def _once(self, call: Call) -> tuple[Answer, float | None]:
        """The answer to one try, and the seconds of its Retry-After."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._patience.answer) as deadline:

            def alive() -> None:
                deadline.reschedule(loop.time() + self._patience.answer)

            async with self._session.request(
                call.method,
                self._url + call.path,
                params=call.params,
                headers={"Accept": JSON, **call.headers},
                data=None if call.body is None else call.body(alive),
                allow_redirects=False,
            ) as response:
                answer = Answer(
                    response.status,
                    document_of(await response.read()),
                    response.headers.get("Idempotency-Replayed") == "true",
                )
                return answer, retry_after(response.headers.get("Retry-After"))

    async def _pause(
        self, call: Call, pauses: "_Pauses", reason: str, seconds: float | None
    ) -> None:
        wait = pauses.next(seconds)
        if wait is None:
            raise LoadError(
                f"{call.what}: given up after {pauses.tries} tries: {reason}; "
                "run the same command again to go on, nothing is written twice"
            )
        self._say(f"{call.what}: {reason}; trying again in {wait:.1f} s")
        await asyncio.sleep(wait)

    async def _finished(self, call: Call, accepted: Answer) -> Answer:
        """The answer that a batch has once it is finished."""
        batch_id = UUID(accepted.document["metadata"]["batchId"])
        question = Call("GET", f"/v1/batches/{batch_id}", f"batch {batch_id}")
        poll = _FIRST_POLL
        try:
            async with asyncio.timeout(self._patience.commit):
                while True:
                    answer = checked(question, await self._answered(question))
                    batch = answer.document["data"]
                    if batch["state"] in _FINISHED and batch["response"] is not None:
                        break
                    await asyncio.sleep(poll)
                    poll = min(2 * poll, _LONGEST_POLL)
        except TimeoutError:
            raise LoadError(
                f"{call.what}: batch {batch_id} is accepted, but not committed after "
                f"{self._patience.commit:.0f} s; run the same command again to wait on"
            ) from None
        stored = batch["response"]
        return checked(call, Answer(stored["status"], stored["body"], accepted.replayed))


class _Pauses:
    """How long to wait before each try, until there have been enough."""

    def __init__(self, patience: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + patience
        self._pause = _FIRST_PAUSE
        self.tries = 0

    def next(self, wanted: float | None) -> float | None:
        """Seconds to wait, at least those that the service wants; None to give up."""
        self.tries += 1
        pause = self._pause * random.uniform(0.5, 1)  # noqa: S311 - spreads tries, hides nothing
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        pause = max(pause, wanted or 0)
        return None if self._loop.time() + pause > self._until else pause


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return " ".join(f"{error or type(error).__name__}".split())[:MAX_SHOWN]
