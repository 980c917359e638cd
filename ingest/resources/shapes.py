"""Which fields a schema has, as `only`, `exclude` and the like have left them."""

from collections.abc import Hashable
from typing import Any

from marshmallow import Schema, fields


def shape_of(schema: Schema) -> Hashable:
    """The same for schemas of one class that load and show the same fields, to any depth.

    Options with dots leave the fields of a schema as they are, and change those nested in it.
    """
    inside = {(name, *_inside(field)) for name, field in schema.fields.items()}
    options = (schema.load_only, schema.dump_only)
    return (
        type(schema),
        frozenset(schema.load_fields),
        frozenset(schema.dump_fields),
        frozenset(inside),
        *map(frozenset, options),
    )


def _inside(field: fields.Field[Any]) -> tuple[frozenset[str] | None, frozenset[str]]:
    """What is left of what a field holds."""
    only = getattr(field, "only", None)
    exclude = getattr(field, "exclude", ())
    return None if only is None else frozenset(only), frozenset(exclude)
