"""Compiled loads of nested schemas inside fields that marshmallow deserializes itself.

A list of objects whose schema has hooks, say, is walked by marshmallow, which writes its errors;
each object in it is loaded by a compiled function, which calls the hooks.
"""

import copy
from collections.abc import Callable
from typing import Any

from marshmallow import EXCLUDE, INCLUDE, RAISE, Schema, fields

from ingest.validation.engine.known import field_class, nested_schema
from ingest.validation.engine.load import cache_key
from ingest.validation.engine.source import Uncompiled

CompileSchema = Callable[[Schema, Any, str | None], Callable[[Any], Any]]
"""From a schema, `partial` and `unknown` to what `schema.load` does with them."""

_CONTAINERS = frozenset({fields.List, fields.Tuple, fields.Dict, fields.Nested})


class CompiledSchema:
    """Stands for the schema of a `Nested`, with the part of its interface that `Nested` uses."""

    def __init__(self, schema: Schema, compile_schema: CompileSchema) -> None:
        self.many = schema.many
        self._schema = schema
        self._compile = compile_schema
        self._loads: dict[Any, Callable[[Any], Any]] = {}

    def load(self, data: Any, *, unknown: str | None = None, partial: Any = None) -> Any:
        key = unknown, cache_key(partial)
        load = self._loads.get(key)
        if load is None:
            load = self._loads[key] = self._compile(self._schema, partial, unknown)
        return load(data)


def with_compiled_schemas(
    field: Any, schemas: tuple[type, ...], compile_schema: CompileSchema
) -> Any:
    """A copy of `field` that loads nested schemas by compiled functions; or `field` itself.

    Args:
        field: what marshmallow deserializes.
        schemas: the classes of the schemas around it. One of these inside is left as it is:
            how deep it goes is for the data to say.
        compile_schema: compiles a nested one when it is first met.
    """
    try:
        kind = field_class(field, _CONTAINERS)
        made = copy.copy(field)
        if kind is fields.Nested:
            made._schema = CompiledSchema(_replaceable(field, schemas), compile_schema)
    except Uncompiled:
        return field
    for name in ("inner", "value_field"):
        inner = getattr(field, name, None)
        if inner is not None:
            setattr(made, name, with_compiled_schemas(inner, schemas, compile_schema))
    if kind is fields.Tuple:
        made.tuple_fields = [
            with_compiled_schemas(each, schemas, compile_schema) for each in field.tuple_fields
        ]
    return made


def _replaceable(field: fields.Nested, schemas: tuple[type, ...]) -> Schema:
    schema = nested_schema(field)
    if type(schema) in schemas or field.unknown not in (None, RAISE, INCLUDE, EXCLUDE):
        raise Uncompiled(
            "its schema is one of those around it, or its unknown is not marshmallow's"
        )
    return schema
