"""`compile_validator`: a schema's `load`, as one generated function for each item."""

from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakValueDictionary

from marshmallow import Schema, ValidationError

from ingest.validation.engine.generate import Compiled, generate
from ingest.validation.engine.partial import Partial, cache_key

__all__ = ["Partial", "Validator", "compile_validator"]

_MAX_FUNCTIONS = 64


class Validator:
    """Loads items with one schema. Results and messages equal `schema.load`'s.

    The schema is read when the validator is made (and at the first use of each further `partial`);
    what is changed in its fields later is not seen.
    """

    __slots__ = ("__weakref__", "_functions", "_plain", "schema")

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._functions: dict[Any, Compiled] = {}
        self._plain = self._compiled(None).load

    @property
    def source(self) -> str:
        """The text of the function for items that are loaded without `partial`.

        Empty where the whole item is left to marshmallow.
        """
        return self._compiled(None).source

    def load(self, item: Any, partial: Partial = None) -> Any:
        """Load one item.

        Args:
            item: the raw item.
            partial: what marshmallow's `load` takes: whether, or which, fields may be missing;
                None stands for the schema's own.

        Raises:
            marshmallow.ValidationError: with every message of the item.
        """
        if partial is None:
            return self._plain(item)
        return self._compiled(partial).load(item)

    def load_many(
        self, items: Iterable[Any], partial: Partial = None
    ) -> tuple[list[Any], dict[int, Any]]:
        """Load many items, each for itself.

        Returns:
            The valid items' results in order, and marshmallow's messages by index of the others.
        """
        load = self._item_function(partial)
        loaded: list[Any] = []
        errors: dict[int, Any] = {}
        for index, item in enumerate(items):
            try:
                loaded.append(load(item))
            except ValidationError as error:
                errors[index] = error.messages
        return loaded, errors

    def _item_function(self, partial: Partial) -> Callable[[Any], Any]:
        """Each item is one, even where the schema is made for collections."""
        many = False if self.schema.many else None
        return self._compiled(partial, many).load

    def _compiled(self, partial: Any, many: bool | None = None) -> Compiled:
        try:
            key = (many, cache_key(partial))
            known = self._functions.get(key)
        except TypeError:  # nothing that could be remembered
            return generate(self.schema, partial, many)
        if known is None:
            known = generate(self.schema, partial, many)
            if len(self._functions) >= _MAX_FUNCTIONS:
                self._functions.pop(next(iter(self._functions)), None)
            self._functions[key] = known
        return known


def compile_validator(schema: Schema) -> Validator:
    """The validator of `schema` (an instance): one and the same while somebody holds it."""
    validator = _validators.get(id(schema))
    if validator is None:
        validator = _validators[id(schema)] = Validator(schema)
    return validator


# By the id of the schema, which its validator keeps alive.
_validators: WeakValueDictionary[int, Validator] = WeakValueDictionary()
