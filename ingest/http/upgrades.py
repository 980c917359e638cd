"""Requests that offer to change the protocol, and what a client has sent behind one.

HTTP/2 clients offer `Upgrade: h2c` with their first request (RFC 9110, 7.8). The service stays with
HTTP/1.1. aiohttp's parser stops at the end of such a request, and loses what comes behind it in the
same segment. So where there is an offer, a connection's bytes are cut at the ends of requests.
"""

from collections.abc import Iterator
from typing import Any

from aiohttp import StreamReader

_OFFER = b"upgrade"
_END = b"\r\n\r\n"
"""What ends the headers of a request, and a chunked body."""


class Cutter:
    """Cuts the bytes of one connection."""

    def __init__(self) -> None:
        self._before = b""
        self._offered = False
        self._complete = True  # what was parsed last, up to the end of its headers or its body
        self._body: StreamReader | None = None
        self._length = 0

    def cut(self, data: bytes) -> Iterator[bytes]:
        """The parts of a segment, of which the parser is to be fed one at a time.

        After each, `parsed` has to be called.
        """
        self._offered = _OFFER in data.lower() or (self._offered and not self._complete)
        done = 0
        while done < len(data):
            end = self._end(data, done) if self._offered else len(data)
            yield data[done:end]
            done = end
        self._before = data[1 - len(_END) :]

    def parsed(self, message: Any, body: StreamReader | None) -> None:
        """Remember the request that a part has completed the headers of, with its body; or that
        there is none."""
        if body is not None:
            offers = getattr(message, "upgrade", False) and not body.is_eof()
            self._body = body if offers else None
            self._length = int(message.headers.get("Content-Length", 0)) if offers else 0
            self._complete = not offers
        else:
            self._complete = self._body is not None and self._body.is_eof()

    def _end(self, data: bytes, done: int) -> int:
        """Where the part ends that begins at `done`."""
        if self._body is not None and self._length and not self._body.is_eof():
            return min(len(data), done + self._length - self._body.total_bytes)
        # An end may have begun in the segment before.
        before = self._before if done == 0 else b""
        at = (before + data[: len(_END) - 1]).find(_END) if before else -1
        if at >= 0:
            return at + len(_END) - len(before)
        found = data.find(_END, done)
        return len(data) if found < 0 else found + len(_END)
