"""Whether the client of a request is still there, and others have their time: long work looks.

What no client waits for is ended.
"""

import select
import time

from aiohttp import web

from ingest.errors import MalformedBody
from ingest.http.gate import CALLER
from ingest.http.service import SERVICE

_LEFT = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


class Presence:
    """The client of one request."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._loop_time = request.app[SERVICE].loop_time
        self._since: float | None = None
        self._poll: select.poll | None = None

    def check(self) -> None:
        """Go on, in any thread, unless the connection is known to be closed.

        A thread rests where its account has taken more than its part.

        Raises:
            MalformedBody: the client has gone.
        """
        if self._request.transport is None:
            raise _gone()
        if self._loop_time.is_beside and CALLER in self._request:
            self._rest(self._request[CALLER].account)

    def look(self) -> None:
        """The same of a connection that may not be read at the moment: the system is asked.

        For the event loop's thread, at most once a millisecond or so. One who closes only their own
        half has gone, too: the server closes the other half when it reads that.

        Raises: as `check`.
        """
        self.check()
        if self._poll is None:
            self._poll = select.poll()
            transport = self._request.transport
            socket = None if transport is None else transport.get_extra_info("socket")
            if socket is not None:
                self._poll.register(socket.fileno(), _LEFT)
        if self._poll.poll(0):
            raise _gone()

    def _rest(self, account: str) -> None:
        """Count what this thread has taken since the last call, and let others have as much."""
        if self._since is not None:
            self._loop_time.spend(account, time.thread_time() - self._since)
        self._loop_time.rest(account)
        self._since = time.thread_time()


def _gone() -> MalformedBody:
    return MalformedBody("The client went away before its request was processed")
