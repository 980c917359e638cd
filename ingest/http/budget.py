"""Memory that requests side by side may hold for one purpose, in all."""

from ingest.errors import Unavailable


class Budget:
    """How many bytes one process holds for something, and how many it may."""

    def __init__(self, limit: int, refusal: str) -> None:
        """
        Args:
            limit: in bytes; a request that is alone may hold more.
            refusal: what is said to whom there is nothing left for.
        """
        self._limit = limit
        self._refusal = refusal
        self._held = 0

    def change(self, before: int, after: int) -> None:
        """Say that somebody holds `after` bytes and no longer `before`.

        Raises:
            Unavailable: all together would be too much; nothing is changed.
        """
        held = self._held - before + after
        if after > before < self._held and held > self._limit:
            raise self.exhausted()
        self._held = held

    def exhausted(self) -> Unavailable:
        """What is answered to whom there is nothing left for."""
        return Unavailable(self._refusal, "Send it again.", retry_after=5)


class Share:
    """The part of one request in a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._held = 0

    def hold(self, size: int) -> None:
        """Say how many bytes it holds now.

        Raises:
            Unavailable: it has grown, and others hold too much.
        """
        self._budget.change(self._held, size)
        self._held = size
