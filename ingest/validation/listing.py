"""How many of an item's errors are listed: all, but for bodies that are sent to make millions."""

from collections.abc import Sequence

from ingest.errors import INVALID
from ingest.model import ItemError
from ingest.validation.messages import MAX_ERRORS

_MANY_ERRORS, _FEW_ERRORS = 100_000, 10
"""The errors of a request after which only a few of each further item are listed."""


class Listing:
    """What of the errors of one request is listed, item by item."""

    def __init__(self, fields: int) -> None:
        """
        Args:
            fields: how many the schema has. A wrong mapping misses each, and has another instead.
        """
        self._few = max(_FEW_ERRORS, 2 * fields)
        self._errors = 0

    def of(self, errors: Sequence[ItemError]) -> Sequence[ItemError]:
        """The errors of the next item that are listed; one more says so where they are not all."""
        most = MAX_ERRORS if self._errors < _MANY_ERRORS else self._few
        if len(errors) > most:
            message = f"The item has more than {most} errors; the others are not listed."
            errors = [*errors[:most], ItemError(INVALID, message)]
        self._errors += len(errors)
        return errors
