"""What of a schema is compiled, and what is left to marshmallow and why."""

from typing import Any, NamedTuple

from marshmallow import Schema
from marshmallow.decorators import POST_LOAD, PRE_LOAD, VALIDATES, VALIDATES_SCHEMA

from ingest.validation.engine.generate import generate

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
    compiled = generate(schema, partial)
    if compiled.left is not None:
        return [Coverage(name, WHOLE_ITEM, compiled.left) for name in schema.load_fields or [""]]
    rows = []
    for name in schema.load_fields:
        remark = compiled.remarks.get(name)
        if remark is None:
            rows.append(Coverage(name, COMPILED, ""))
        else:
            rows.append(
                Coverage(name, COMPILED if remark.converted else CALLS_FIELD, remark.reason)
            )
    hooks = [
        f"{tag} {hook[0]}"
        for tag in (PRE_LOAD, VALIDATES, VALIDATES_SCHEMA, POST_LOAD)
        for hook in schema._hooks.get(tag, ())
    ]
    if hooks:
        rows.append(Coverage("", CALLS_HOOKS, ", ".join(hooks)))
    return rows
