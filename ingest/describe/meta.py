"""An item's `meta` in JSON Schema: what the service keeps beside its fields."""

from typing import Any

from ingest.access.rights import MAX_GROUP_BYTES
from ingest.describe.notes import noted
from ingest.describe.numbers import FRACTION

_VERSION = {"type": "integer", "format": "int64", "description": "Changes with each write."}
_TIME = {"type": "string", "format": "date-time"}
_BATCH = {"type": ["string", "null"], "format": "uuid", "description": "That wrote it last."}
_NOT_SHOWN = {
    "type": "array",
    "items": {"type": "string"},
    "description": "The fields that code of the schema's own failed to show.",
}

SHOWN_META: dict[str, Any] = {
    "type": "object",
    "description": "Shown where `select` names it.",
    "properties": {
        "version": _VERSION,
        "createdAt": _TIME,
        "updatedAt": _TIME,
        "batch": _BATCH,
        "group": {"type": ["string", "null"]},
        "notShown": _NOT_SHOWN,
    },
    "additionalProperties": False,
}
SENT_META: dict[str, Any] = {
    "type": "object",
    "description": "What GET shows may be sent back.",
    "properties": {
        "version": noted(
            {
                "type": "integer",
                "description": "The version that the stored item must be at.",
            },
            FRACTION,
        ),
        "group": noted(
            {
                "type": ["string", "null"],
                "minLength": 1,
                "maxLength": MAX_GROUP_BYTES,
                "description": "The group that a new item is to belong to.",
            },
            f"At most {MAX_GROUP_BYTES} bytes that can be printed, and one of the token's own "
            "where it has any.",
        ),
        "createdAt": {},
        "updatedAt": {},
        "batch": {},
        "notShown": {},
    },
    "additionalProperties": False,
}
