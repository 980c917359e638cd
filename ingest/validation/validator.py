"""`compile_validator`: a schema's `load` and `load_many`, by generated functions."""

from collections.abc import Iterable
from typing import Any

from marshmallow import Schema, ValidationError

from ingest.validation.engine.by_options import ByOptions
from ingest.validation.engine.compiler import CompiledLoad, compile_load
from ingest.validation.engine.load import Partial

_MAX_COMPILED = 64


class Validator:
    """Loads items with one schema. Results and messages equal `schema.load`'s.

    The schema is read when the validator is made (and at the first use of each further `partial`);
    what is changed in its fields later is not seen.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._compiled = ByOptions[CompiledLoad](self._compile, _MAX_COMPILED)
        self._plain = self._compiled.get()

    @property
    def source(self) -> str:
        """The text of the function for items that are loaded without `partial`.

        Empty where the whole item is left to marshmallow.
        """
        return self._plain.source

    def load(self, item: Any, partial: Partial = None) -> Any:
        """Load one item.

        Args:
            partial: what marshmallow's `load` takes: whether, or which, fields may be missing;
                None stands for the schema's own.

        Raises:
            marshmallow.ValidationError: with every message of the item.
        """
        compiled = self._plain if partial is None else self._compiled.get(None, partial)
        return compiled.load(item)

    def load_many(
        self, items: Iterable[Any], partial: Partial = None
    ) -> tuple[list[Any], dict[int, Any]]:
        """Load many items, each for itself, even where the schema is made for collections.

        Returns:
            The valid items' results in order; by index of the others, marshmallow's messages, or
            the exception where the user's code raised another one than ValidationError.
        """
        load = self._compiled.get(False if self.schema.many else None, partial).load
        loaded: list[Any] = []
        errors: dict[int, Any] = {}
        for index, item in enumerate(items):
            try:
                loaded.append(load(item))
            except ValidationError as error:
                errors[index] = error.messages
            except Exception as error:  # noqa: BLE001 - the user's code may raise anything
                errors[index] = error
        return loaded, errors

    def _compile(self, many: bool | None, partial: Partial, unknown: str | None) -> CompiledLoad:
        return compile_load(self.schema, partial, unknown, many)


def compile_validator(schema: Schema) -> Validator:
    """The validator of `schema`, an instance."""
    return Validator(schema)
