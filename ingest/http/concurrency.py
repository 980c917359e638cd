"""How many requests of one token are under way in this process."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from ingest.errors import RateLimited


class Concurrency:
    """The requests under way in this process, by token."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._under_way: Counter[UUID] = Counter()

    @contextmanager
    def one_more(self, token: UUID) -> Iterator[None]:
        """Count a request while it lasts.

        Raises:
            RateLimited: as many of this token are under way as may be.
        """
        if self._under_way[token] >= self._limit:
            raise RateLimited(
                f"{self._limit} requests with this token are under way",
                "Send fewer side by side; larger batches need fewer requests.",
                retry_after=1,
            )
        self._under_way[token] += 1
        try:
            yield
        finally:
            self._under_way[token] -= 1
            if not self._under_way[token]:
                del self._under_way[token]
