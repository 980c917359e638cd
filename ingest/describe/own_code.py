"""What code of a schema's own says of the objects that the schema loads and shows.

Marshmallow gives a list of nested objects to the schema as a whole: an override of `load` or `dump`
sees that list and never the objects in it, and so do the hooks with `pass_collection`.
"""

from enum import StrEnum
from typing import Any

from marshmallow import Schema
from marshmallow.decorators import POST_DUMP, POST_LOAD, PRE_DUMP, PRE_LOAD, VALIDATES_SCHEMA

from ingest.describe.notes import NOTES, noted
from ingest.resources.dumping import DUMPING, overridden
from ingest.validation.engine.known import check_no_override, check_schema
from ingest.validation.engine.source import Uncompiled

ANYTHING = ["string", "number", "boolean", "array", "object"]
"""All types but null."""
PREPARES = "Code of the schema's own prepares the value; then the rules under `prepared` hold."
LOADS = "Code of the schema's own reads the value."
SHOWS = "Code of the schema's own decides what is shown."
_CHECKS = "Code of the schema's own checks the {} as a whole: {}."
DECIDES = "Code of the schema's own has the last word."
LAST_WORD = "Code of the schema's own has the last word on the {}."

Said = dict[str, Any]


class Part(StrEnum):
    """What a schema is given at once, or a part of that."""

    OBJECT = "object"
    """One object, which all code of the schema sees."""
    LIST = "list"
    ELEMENT = "element"
    """One object of a list."""


def sent(schema: Schema, part: Part, said: Said, before: Said) -> Said:
    """What a schema takes, its own code considered.

    Args:
        said: what its fields say.
        before: what is said of a value that code of the schema's own prepares.
    """
    thing = "list" if part is Part.LIST else "object"
    for hook in _hooks(schema, VALIDATES_SCHEMA, part):
        said = noted(said, _CHECKS.format(thing, hook))
    if _hooks(schema, POST_LOAD, part):
        said = noted(said, LAST_WORD.format(thing))
    if not _prepares(schema, part):
        return said
    return {**noted(before, PREPARES), NOTES: {"rules": [PREPARES], "prepared": said}}


def changes(schema: Schema, part: Part) -> bool:
    """Whether what is loaded may be something else than what was sent."""
    return bool(_prepares(schema, part) or _hooks(schema, POST_LOAD, part))


def shows(schema: Schema, part: Part) -> bool:
    """Whether code of the schema's own decides what is shown."""
    hooks = _hooks(schema, PRE_DUMP, part) or _hooks(schema, POST_DUMP, part)
    return bool(hooks or (part is not Part.ELEMENT and overridden(schema, DUMPING)))


def sees_lists(schema: Schema) -> bool:
    """Whether code of the schema's own sees a list, and less of it one object in that list."""
    loads = (VALIDATES_SCHEMA, POST_LOAD)
    hooks = any(_hooks(schema, tag, Part.LIST) for tag in loads)
    return hooks or _prepares(schema, Part.LIST) or shows(schema, Part.LIST)


def _prepares(schema: Schema, part: Part) -> bool:
    hooks = _hooks(schema, PRE_LOAD, part)
    return bool(hooks or (part is not Part.ELEMENT and _loads_otherwise(schema)))


def _hooks(schema: Schema, tag: str, part: Part) -> list[str]:
    """The names of the hooks that see a part."""
    return [
        name
        for name, collection, _ in schema._hooks.get(tag, ())
        if part is Part.OBJECT or collection == (part is Part.LIST)
    ]


def _loads_otherwise(schema: Schema) -> bool:
    """Whether a method of the user's stands in the place of one of marshmallow's."""
    try:
        check_schema(schema)
        check_no_override(schema)
    except Uncompiled:
        return True
    return False
