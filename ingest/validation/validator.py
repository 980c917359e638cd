"""`compile_validator`: a schema's `load` and `load_many`, by generated functions."""

from collections.abc import Iterable
from typing import Any

from marshmallow import Schema, ValidationError

from ingest.validation.engine.compiler import CompiledLoad, compile_load
from ingest.validation.engine.load import Partial, cache_key

_MAX_COMPILED = 64


class Validator:
    """Loads items with one schema. Results and messages equal `schema.load`'s.

    The schema is read when the validator is made (and at the first use of each further `partial`);
    what is changed in its fields later is not seen.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._compiled: dict[Any, CompiledLoad] = {}
        self._plain = self._compile(None)

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
        compiled = self._plain if partial is None else self._compile(partial)
        return compiled.load(item)

    def load_many(
        self, items: Iterable[Any], partial: Partial = None
    ) -> tuple[list[Any], dict[int, Any]]:
        """Load many items, each for itself, even where the schema is made for collections.

        Returns:
            The valid items' results in order, and marshmallow's messages by index of the others.
        """
        load = self._compile(partial, False if self.schema.many else None).load
        loaded: list[Any] = []
        errors: dict[int, Any] = {}
        for index, item in enumerate(items):
            try:
                loaded.append(load(item))
            except ValidationError as error:
                errors[index] = error.messages
        return loaded, errors

    def _compile(self, partial: Any, many: bool | None = None) -> CompiledLoad:
        try:
            key = (many, cache_key(partial))
            known = self._compiled.get(key)
        except TypeError:  # it holds something that cannot be remembered
            return compile_load(self.schema, partial, many=many)
        if known is None:
            known = compile_load(self.schema, partial, many=many)
            if len(self._compiled) >= _MAX_COMPILED:
                del self._compiled[next(iter(self._compiled))]
            self._compiled[key] = known
        return known


def compile_validator(schema: Schema) -> Validator:
    """The validator of `schema`, an instance."""
    return Validator(schema)
