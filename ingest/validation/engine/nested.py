"""Compiled loads of nested schemas inside fields that marshmallow deserializes itself.

A list of objects whose schema has hooks, say, is walked by marshmallow, which writes its errors;
each object in it is loaded by a compiled function, which calls the hooks.
"""

import copy
from collections.abc import Callable
from typing import Any

from marshmallow import EXCLUDE, INCLUDE, RAISE, Schema, fields

from ingest.validation.engine.known import check_schema, field_class
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
    except Uncompiled:
        return field
    made = copy.copy(field)
    if kind is fields.List:
        made.inner = with_compiled_schemas(field.inner, schemas, compile_schema)
    elif kind is fields.Tuple:
        made.tuple_fields = [
            with_compiled_schemas(each, schemas, compile_schema) for each in field.tuple_fields
        ]
    elif kind is fields.Dict:
        if field.value_field:
            made.value_field = with_compiled_schemas(field.value_field, schemas, compile_schema)
    else:
        try:
            schema = field.schema
        except Exception:  # noqa: BLE001 - whatever it is, marshmallow will raise it
            return field
        if type(schema) in schemas or field.unknown not in (None, RAISE, INCLUDE, EXCLUDE):
            return field
        try:
            check_schema(schema)
        except Uncompiled:
            return field
        made._schema = CompiledSchema(schema, compile_schema)
    return made
