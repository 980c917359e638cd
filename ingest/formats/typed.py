"""What reads JSON as typed items, where it vouches for them."""

from collections.abc import Callable
from typing import Any, Protocol


class Typed(Protocol):
    """Reads the items of one schema."""

    def decode(self, body: bytes, check: Callable[[], None]) -> list[Any] | None:
        """The elements of a JSON array: typed items, and all others as they are.

        Args:
            check: is called now and then; what it raises ends the work.

        Returns:
            None where another reader has to read it.
        """

    def decode_lines(self, lines: bytes) -> list[Any] | None:
        """The items of complete lines; None where another reader has to read them.

        What is no typed item has been read as JSON, and nothing else is known of it.
        """

    def is_typed(self, item: Any) -> bool:
        """Whether something is a typed item."""
