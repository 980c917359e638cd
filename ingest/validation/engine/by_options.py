"""What is made once for each set of a load's options, at its first use."""

from collections.abc import Callable
from copy import copy
from typing import Any, Generic, TypeVar

from ingest.validation.engine.load import Partial, cache_key

Made = TypeVar("Made")
Make = Callable[[bool | None, Partial, str | None], Made]
"""Makes it for `many`, `partial` and `unknown`."""


class ByOptions(Generic[Made]):
    """Keeps what `make` has made for at most so many sets of options.

    Further sets take the place of the oldest ones; where there is `otherwise`, they get what that
    makes, each time anew: options that differ from item to item must not cost what `make` costs.
    """

    def __init__(self, make: Make[Made], most: int, otherwise: Make[Made] | None = None) -> None:
        self._make, self._most, self._otherwise = make, most, otherwise
        self._made: dict[Any, Made] = {}

    def get(
        self, many: bool | None = None, partial: Partial = None, unknown: str | None = None
    ) -> Made:
        """What there is for these options."""
        try:
            key = many, unknown, cache_key(partial)
            known = self._made.get(key)
        except TypeError:  # they hold something that cannot be remembered
            return (self._otherwise or self._make)(many, partial, unknown)
        if known is None:
            full = len(self._made) >= self._most
            if full and self._otherwise:
                return self._otherwise(many, partial, unknown)
            if full:
                del self._made[next(iter(self._made))]
            # A list may be changed by the one who gave it.
            kept = copy(partial) if isinstance(partial, list | set) else partial
            known = self._made[key] = self._make(many, kept, unknown)
        return known
