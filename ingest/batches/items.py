"""The items of one write: large, and so kept for no longer than somebody needs them.

::

    bytes ─▶ decoded ─▶ validated ─▶ durable, or replayed
             └─ in one of few places ─┘

Decoded, they take several times the bytes of their body, which therefore waits for its turn as
bytes.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from ingest.model import Submission


class Items:
    """The items of one write: decoded, then validated, then gone."""

    def __init__(
        self, places: asyncio.Semaphore | None = None, *, validated: Submission | None = None
    ) -> None:
        """
        Args:
            places: what a long body has one of while it is decoded and not yet validated.
            validated: what they are already; they were never decoded as a whole.
        """
        self._places = places
        self._has_place = False
        self.decoded: Sequence[Any] = ()
        self.validated = validated

    async def take_place(self) -> None:
        """Wait until fewer long bodies are decoded."""
        if self._places is not None and not self._has_place:
            await self._places.acquire()
            self._has_place = True

    def become(self, validated: Submission) -> None:
        """They are validated: what they were decoded to is not needed any more."""
        self.forget()
        self.validated = validated

    def forget(self) -> None:
        """Nobody needs them any more. It may be said twice."""
        self.decoded, self.validated = (), None
        if self._places is not None and self._has_place:
            self._has_place = False
            self._places.release()
