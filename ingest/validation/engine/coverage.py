"""What of a schema is compiled, and what is left to marshmallow and why."""

from typing import Any, NamedTuple

from marshmallow import Schema

from ingest.validation.engine.compiler import compile_validator
from ingest.validation.engine.known import LOAD_HOOKS

COMPILED = "compiled"
CALLS_FIELD = "calls marshmallow's field"
CALLS_HOOKS = "calls the schema's methods"
WHOLE_ITEM = "whole item left to marshmallow"


class Coverage(NamedTuple):
    """How one field of a schema is loaded."""

    field: str
    """Its name; empty for what is said of the schema."""
    how: str
    """COMPILED, CALLS_FIELD, CALLS_HOOKS or WHOLE_ITEM."""
    reason: str
    """Why it is not compiled, or what is called beside; a path leads to a nested field."""


def explain_schema(schema: Schema, partial: Any = None) -> list[Coverage]:
    """How each field that `schema` loads is loaded by a compiled validator.

    Args:
        schema: an instance.
        partial: what `load` would be given.
    """
    compiled = compile_validator(schema, partial)
    if compiled.left is not None:
        return [Coverage(name, WHOLE_ITEM, compiled.left) for name in schema.load_fields or [""]]
    rows = []
    for name in schema.load_fields:
        is_compiled, reason = compiled.remarks.get(name, (True, ""))
        rows.append(Coverage(name, COMPILED if is_compiled else CALLS_FIELD, reason))
    hooks = [f"{tag} {hook[0]}" for tag in LOAD_HOOKS for hook in schema._hooks.get(tag, ())]
    if hooks:
        rows.append(Coverage("", CALLS_HOOKS, ", ".join(hooks)))
    return rows
