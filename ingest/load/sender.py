"""Requests that are sent until they have an answer, by the rules of the service.

::

    429, 503, 409 in progress ─▶ wait as Retry-After says ─▶ the same request, the same key
    no connection, no answer ──▶ wait longer each time ────▶ the same request, the same key
    202 ───────────────────────▶ poll the batch until it is finished
    any other 4xx ─────────────▶ LoadError
"""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp

from ingest.exactjson import load_exact
from ingest.formats.negotiation import JSON, NDJSON
from ingest.load.calls import MAX_SHOWN, Alive, Answer, Call, document_of
from ingest.load.errors import LoadError

_HOPELESS = (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError)
_URL = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[^/\s?#:@]+)(:\d{1,5})?(/[^\s?#]*)?")
_ROOT = re.compile(r"(?<=[^/:])/+v1/*$|/+$")  # not the host of this name
_FINISHED = ("committed", "rejected", "failed")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds
_FIRST_POLL, _LONGEST_POLL = 0.1, 2.0  # seconds


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds."""

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
        timeouts: Timeouts,
        note: Callable[[str], None],
    ) -> None:
        """
        Args:
            session: with the headers that every request has, and no timeout of its own.
            note: shows why something is tried again.

        Raises:
            LoadError: the URL cannot be one of a service.
        """
        self._session = session
        self._url = service_url(url)
        self._timeouts = timeouts
        self._note = note

    async def send(self, call: Call) -> Answer:
        """The final answer to a write.

        Raises:
            LoadError: the request as a whole is refused, or there is no answer.
        """
        answer = await self._answered(call)
        if answer.status == 202:
            answer = await self._finished(call, answer)
        return answer.checked(call)

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
        retries = self._retries(call)
        while True:
            try:
                async for failure in self._read_failures(call):
                    if failure["index"] > last:
                        yield failure
                        last = failure["index"]
                        retries = self._retries(call)
            except (aiohttp.ClientError, TimeoutError) as error:
                await retries.wait(_reason(error))
            else:
                return

    async def _read_failures(self, call: Call) -> AsyncIterator[dict[str, Any]]:
        """The failures that one try gets; it breaks off with aiohttp's errors, or TimeoutError."""
        async with self._response(call) as (response, alive):
            if response.status != 200:
                answer = await _answer_of(response)
                if answer.is_temporary:
                    raise aiohttp.ClientPayloadError(answer.sentence)
                raise answer.refusal(call)
            rest = b""
            async for chunk in response.content.iter_any():
                alive()
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield load_exact(line)

    async def _answered(self, call: Call) -> Answer:
        """The first answer that is not temporary."""
        retries = self._retries(call)
        while True:
            try:
                async with self._response(call) as (response, _):
                    answer = await _answer_of(response)
            except _HOPELESS as error:
                raise LoadError(f"{self._url}: {_reason(error)}") from None
            except (aiohttp.ClientError, TimeoutError) as error:
                if isinstance(error.__cause__, LoadError):  # the body, while it was read
                    raise error.__cause__ from None
                await retries.wait(_reason(error))
            else:
                if not answer.is_temporary:
                    return answer
                await retries.wait(answer.sentence, answer.retry_after)

    @asynccontextmanager
    async def _response(self, call: Call) -> AsyncIterator[tuple[aiohttp.ClientResponse, Alive]]:
        """The response to one try, and what moves the deadline for the rest of it."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._timeouts.answer) as deadline:

            def alive() -> None:
                deadline.reschedule(loop.time() + self._timeouts.answer)

            async with self._session.request(
                call.method,
                self._url + call.path,
                params=call.params,
                headers={"Accept": JSON, **call.headers},
                data=None if call.body is None else call.body(alive),
                compress=call.compress,
                allow_redirects=False,
            ) as response:
                yield response, alive

    async def _finished(self, call: Call, accepted: Answer) -> Answer:
        batch_id = UUID(accepted.document["metadata"]["batchId"])
        lookup = Call("GET", f"/v1/batches/{batch_id}", f"batch {batch_id}")
        poll = _FIRST_POLL
        try:
            async with asyncio.timeout(self._timeouts.commit):
                while True:
                    answer = (await self._answered(lookup)).checked(lookup)
                    batch = answer.document["data"]
                    if batch["state"] in _FINISHED and batch["response"] is not None:
                        break
                    await asyncio.sleep(poll)
                    poll = min(2 * poll, _LONGEST_POLL)
        except TimeoutError:
            raise LoadError(
                f"{call.what}: batch {batch_id} is accepted, but not committed after "
                f"{self._timeouts.commit:.0f} s; run the same command again to wait on"
            ) from None
        stored = batch["response"]
        return Answer(stored["status"], stored["body"], accepted.replayed)

    def _retries(self, call: Call) -> "_Retries":
        return _Retries(call.what, self._timeouts.retries, self._note)


class _Retries:
    """The pauses between the tries of one request."""

    def __init__(self, what: str, timeout: float, note: Callable[[str], None]) -> None:
        self._what = what
        self._note = note
        self._until = time.monotonic() + timeout
        self._pause = _FIRST_PAUSE
        self._tries = 0

    async def wait(self, reason: str, at_least: float = 0) -> None:
        """Wait before the next try, each time longer, and at least so many seconds.

        Raises:
            LoadError: there is no time for another try.
        """
        self._tries += 1
        spread = self._pause * random.uniform(0.5, 1)  # noqa: S311 - spreads tries, hides nothing
        pause = max(spread, at_least)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        if time.monotonic() + pause > self._until:
            raise LoadError(
                f"{self._what}: given up after {self._tries} tries: {reason}; "
                "run the same command again to go on, nothing is written twice"
            )
        self._note(f"{self._what}: {reason}; trying again in {pause:.1f} s")
        await asyncio.sleep(pause)


def service_url(given: str) -> str:
    """The URL of a service, below which its endpoints begin with `/v1`; it may be given with that.

    Raises:
        LoadError: it cannot be one.
    """
    if not _URL.fullmatch(given):
        raise LoadError(f"{given} is no URL of a service, such as http://127.0.0.1:8080")
    return _ROOT.sub("", given)


async def _answer_of(response: aiohttp.ClientResponse) -> Answer:
    retry_after = response.headers.get("Retry-After", "")  # never a date
    return Answer(
        response.status,
        document_of(await response.read()),
        response.headers.get("Idempotency-Replayed") == "true",
        int(retry_after) if re.fullmatch("[0-9]+", retry_after) else 0,
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return " ".join(f"{error or type(error).__name__}".split())[:MAX_SHOWN]
