"""The methods of the user's that take part in a load, and what a failed load ends in.

`with_hooks` reads as marshmallow's `Schema._do_load` does, with the fields loaded by a generated
function unless that falls back. Each hook is called once, as marshmallow would call it.
"""

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from marshmallow import Schema, ValidationError
from marshmallow.decorators import POST_LOAD, PRE_LOAD, VALIDATES, VALIDATES_SCHEMA
from marshmallow.error_store import ErrorStore

from ingest.resources.resource import nested_in
from ingest.validation.engine.load import Load
from ingest.validation.engine.source import FALLBACK

# marshmallow does not annotate these two.
new_errors: Callable[[], ErrorStore] = ErrorStore
messages_of: Callable[[ValidationError], Any] = ValidationError.normalized_messages


def with_hooks(whole: Load, load_fields: Callable[..., Any]) -> Callable[[Any], Any]:
    """A `load` for one item that runs the schema's hooks around `load_fields`.

    Args:
        whole: of a schema whose `_do_load` is marshmallow's.
        load_fields: from raw data and an ErrorStore to the loaded fields, or FALLBACK.
    """
    schema = whole.schema
    options: dict[str, Any] = {"many": False, "partial": whole.partial, "unknown": whole.unknown}
    fail = failure(whole)
    before, after = _processors(schema, PRE_LOAD), _processors(schema, POST_LOAD)
    validates, validates_schema = schema._hooks[VALIDATES], schema._hooks[VALIDATES_SCHEMA]

    def process(processors: list[tuple[str, bool]], data: Any, original: Any) -> Any:
        for name, pass_original in processors:
            processor = getattr(schema, name)
            data = processor(data, *((original,) if pass_original else ()), **options)
        return data

    def load(item: Any) -> Any:
        errors: Any = {}
        store = new_errors()
        result: Any
        try:
            data = process(before, item, item)
        except ValidationError as error:
            errors = messages_of(error)
            result = None
        if not errors:
            result = load_fields(data, store)
            if result is FALLBACK:
                result = schema._deserialize(data, error_store=store, **options)
            if validates:
                schema._invoke_field_validators(error_store=store, data=result, many=False)
            if validates_schema:
                field_errors = bool(store.errors)
                for pass_collection in (True, False):
                    schema._invoke_schema_validators(
                        error_store=store,
                        pass_collection=pass_collection,
                        data=result,
                        original_data=item,
                        field_errors=field_errors,
                        **options,
                    )
            errors = store.errors
            if not errors:
                try:
                    return process(after, result, item)
                except ValidationError as error:
                    errors = messages_of(error)
        if errors:
            fail(item, result, errors)
        return result

    return load


def _processors(schema: Schema, tag: str) -> list[tuple[str, bool]]:
    """The names of a tag's methods in the order of a load, and whether each gets the raw item."""
    collections_first = sorted(schema._hooks[tag], key=lambda hook: not hook[1])
    return [(name, given.get("pass_original", False)) for name, _, given in collections_first]


def failure(load: Load) -> Callable[[Any, Any, Any], NoReturn]:
    """What raises the error of a load that failed, as marshmallow does."""

    def fail(item: Any, result: Any, errors: Any) -> NoReturn:
        error = ValidationError(errors, data=item, valid_data=result)
        load.schema.handle_error(error, item, many=False, partial=load.partial)
        raise error

    return fail


def has_pre_load(schema: Schema) -> bool:
    """Whether a hook of the schema, or of one nested in it, sees an item before it is loaded."""
    return any(each._hooks.get(PRE_LOAD) for each in _schemas_in(schema))


def count_fields(schema: Schema) -> int:
    """How many fields a schema loads, those of nested schemas included."""
    return sum(len(each.load_fields) for each in _schemas_in(schema))


def _schemas_in(schema: Schema, around: tuple[type[Schema], ...] = ()) -> Iterator[Schema]:
    """The schema and those nested in it, each once within itself."""
    if type(schema) in around:
        return
    yield schema
    for field in schema.load_fields.values():
        for nested in nested_in(field):
            yield from _schemas_in(nested.schema, (*around, type(schema)))
