"""Items as they were received, for others than who sent them: without what is never shown."""

from typing import Any

from marshmallow import Schema


def has_secrets(schema: Schema) -> bool:
    """Whether a field is `load_only`; none can be inside a nested value."""
    return any(field.load_only for field in schema.fields.values())


def without_secrets(schema: Schema, raw: Any) -> Any:
    """An item as received without its `load_only` fields; None where it is no object.

    What is no field is left out, too: it may be a misspelt one.
    """
    if not isinstance(raw, dict):
        return None
    shown = {
        name if field.data_key is None else field.data_key
        for name, field in schema.fields.items()
        if not field.load_only
    }
    # A column of a file may lead, with a dot, into a nested object.
    return {
        name: value
        for name, value in raw.items()
        if name in shown or name.partition(".")[0] in shown
    }
