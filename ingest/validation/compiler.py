"""`compile_validator`: a schema's `load`, as one callable for each item."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from marshmallow import Schema, ValidationError

Partial = bool | Sequence[str] | AbstractSet[str] | None


class Validator:
    """Loads items with one schema. Results and messages equal `schema.load`'s."""

    __slots__ = ("schema",)

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def load(self, item: Any, partial: Partial = False) -> Any:
        """Load one item.

        Args:
            item: the raw item.
            partial: what marshmallow's `load` takes: True, or names of fields that may be missing.

        Raises:
            marshmallow.ValidationError: with every message of the item.
        """
        return self.schema.load(item, many=False, partial=partial)

    def load_many(
        self, items: Iterable[Any], partial: Partial = False
    ) -> tuple[list[Any], dict[int, Any]]:
        """Load many items, each for itself.

        Returns:
            The valid items' results in order, and marshmallow's messages by index of the others.
        """
        loaded: list[Any] = []
        errors: dict[int, Any] = {}
        for index, item in enumerate(items):
            try:
                loaded.append(self.load(item, partial))
            except ValidationError as error:
                errors[index] = error.messages
        return loaded, errors


def compile_validator(schema: Schema) -> Validator:
    """The validator of `schema` (an instance)."""
    return Validator(schema)
