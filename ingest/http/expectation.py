"""`Expect: 100-continue`: the body is asked for when it is known that it will be read.

aiohttp would ask for it before any handler runs. So that a client is spared a body that is refused
for its headers, the header is taken out of a request before aiohttp sees it, and kept beside it.
"""

from collections.abc import Callable
from typing import Any

from aiohttp import HttpVersion10, web
from multidict import CIMultiDict, CIMultiDictProxy

from ingest.errors import MalformedBody

_EXPECT = "Expect"
_CONTINUE = "100-continue"
_INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"

_EXPECTED: web.RequestKey[str] = web.RequestKey("expected", str)
"""What a client expects before it sends the body; empty once it has been asked for it."""


def keeping_expectations(factory: Callable[..., web.BaseRequest]) -> Callable[..., web.BaseRequest]:
    """What makes requests: the same without the header `Expect`."""

    def make(message: Any, *others: Any) -> web.BaseRequest:
        if _EXPECT not in message.headers:
            return factory(message, *others)
        headers = CIMultiDict(message.headers)
        expected = ",".join(headers.popall(_EXPECT))
        request = factory(message._replace(headers=CIMultiDictProxy(headers)), *others)
        if message.version > HttpVersion10:  # before, there was no such header
            request[_EXPECTED] = expected
        return request

    return make


def check_expectation(request: web.BaseRequest) -> None:
    """Raise MalformedBody where a client expects something else."""
    expected = request.get(_EXPECTED)
    if expected is not None and {each.strip().lower() for each in expected.split(",")} != {
        _CONTINUE
    }:
        raise MalformedBody("The request is not valid HTTP", "Expect can only be 100-continue")


def is_waiting(request: web.BaseRequest) -> bool:
    """Whether the client waits to be asked for the body."""
    return bool(request.get(_EXPECTED)) and request.can_read_body


async def ask_for_body(request: web.BaseRequest) -> None:
    """Tell a client that waits for it to send the body."""
    if is_waiting(request):
        request[_EXPECTED] = ""
        await request.writer.write(_INTERIM)
        # The answer is still to come; aiohttp does the same.
        request.writer.output_size = 0
