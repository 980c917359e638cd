"""What the log says of a part that a process needs and may have to do without: one line when that
begins, and one when it is over, however many calls fail meanwhile.
"""

import time
from collections.abc import Callable, Hashable
from typing import Any

_BEGINNINGS = 10.0  # seconds between two in the log, of what comes and goes
_CHANGES = 1.0  # seconds between two causes of one outage


class Outage:
    """Whether something fails now, as far as the log has said."""

    def __init__(self, over: Callable[..., Any]) -> None:
        """Args: `over`: logs that it is over; gets the whole `seconds` that it lasted."""
        self._over = over
        self._cause: Hashable = None
        self._began = 0.0
        self._said = float("-inf")

    @property
    def goes_on(self) -> bool:
        """Whether it began, and is not over."""
        return self._cause is not None

    def failed(self, cause: Hashable, say: Callable[[], Any]) -> None:
        """Log by `say` that it fails, unless that has been said of this cause."""
        now = time.monotonic()
        pause = _BEGINNINGS if self._cause is None else _CHANGES
        if cause == self._cause or now < self._said + pause:
            return
        if self._cause is None:
            self._began = now
        self._cause, self._said = cause, now
        say()

    def passed(self) -> None:
        """Log that it is over, if the log has said that it began."""
        if self._cause is not None:
            self._cause = None
            self._over(seconds=round(time.monotonic() - self._began))
