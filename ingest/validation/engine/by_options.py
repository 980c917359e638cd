"""What is made once for each set of a load's options, at its first use."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ingest.validation.engine.load import Partial, cache_key

Made = TypeVar("Made")


class ByOptions(Generic[Made]):
    """Keeps what `make` has made for the last sets of options that it was asked for."""

    def __init__(self, make: Callable[[bool | None, Partial, str | None], Made], most: int) -> None:
        """`make` takes `many`, `partial` and `unknown`; at most `most` results are kept."""
        self._make, self._most = make, most
        self._made: dict[Any, Made] = {}

    def get(
        self, many: bool | None = None, partial: Partial = None, unknown: str | None = None
    ) -> Made:
        """What there is for these options."""
        try:
            key = many, unknown, cache_key(partial)
            known = self._made.get(key)
        except TypeError:  # they hold something that cannot be remembered
            return self._make(many, partial, unknown)
        if known is None:
            known = self._make(many, partial, unknown)
            if len(self._made) >= self._most:
                del self._made[next(iter(self._made))]
            self._made[key] = known
        return known
