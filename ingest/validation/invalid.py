"""What an item that cannot be processed is answered with."""

from collections.abc import Callable, Sequence
from typing import Any

from ingest.model import ItemError


class InvalidItem(Exception):
    """An item that cannot be processed, with every error of it."""

    def __init__(self, errors: Sequence[ItemError]) -> None:
        super().__init__(errors)
        self.errors = errors


def collect(errors: list[ItemError], step: Callable[[], Any]) -> Any:
    """What `step` returns; None, and its errors in `errors`, where it finds the item invalid."""
    try:
        return step()
    except InvalidItem as error:
        errors.extend(error.errors)
