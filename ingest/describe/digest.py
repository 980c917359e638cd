"""The digest of a batch in documents: its JSON Schema, and an example of one."""

from ingest.describe.components import Object, reference

_TEXT: Object = {"type": "string"}
_COUNT: Object = {"type": "integer", "minimum": 0}
_ANY: Object = {"type": "object"}
_BEFORE: Object = {"description": "What changes of it; of a row that is no item, its cells."}
_AFTER: Object = {"type": ["object", "null"]}

EXAMPLE: Object = {
    "failedItemsCount": 1,
    "errorsCount": 1,
    "groups": [
        {
            "code": 42203,
            "name": "wrong_type",
            "type": "validation",
            "field": "price",
            "rule": "Not a valid number.",
            "count": 1,
            "share": 1.0,
            "indices": [1],
            "examples": ["1.200,50"],
            "cause": {
                "name": "decimal_comma",
                "message": "The numbers have a comma before their decimals.",
                "ambiguous": False,
            },
            "remedy": {
                "id": "decimal_comma-5f1d2ce5b6a9",
                "transform": {"op": "decimal_comma", "field": "price"},
                "heals": 1,
                "leaves": 0,
                "before": {"price": "1.200,50"},
                "after": {"price": "1200.50"},
            },
        }
    ],
}


def digest_schemas() -> dict[str, Object]:
    """The parts of a digest, by the names of their components."""
    reading = {"transform": _ANY, "heals": _COUNT, "before": _BEFORE, "after": _AFTER}
    remedy = {"id": _TEXT, **reading, "leaves": _COUNT}
    cause = {
        "name": _TEXT,
        "message": _TEXT,
        "ambiguous": {"type": "boolean"},
        "collection": _TEXT,
        "readings": {"type": "array", "items": _object(reading, "transform heals")},
    }
    group = {
        "code": _COUNT,
        "name": _TEXT,
        "type": _TEXT,
        "field": {"type": ["string", "null"]},
        "rule": _TEXT,
        "count": _COUNT,
        "share": {"type": "number", "minimum": 0, "maximum": 1},
        "indices": {"type": "array", "items": _COUNT, "maxItems": 20},
        "examples": {"type": "array", "maxItems": 5},
        "cause": _object(cause, "name message ambiguous"),
        "remedy": _object(remedy, "id transform heals leaves"),
    }
    digest = {
        "batchId": _TEXT,
        "collection": _TEXT,
        "action": _TEXT,
        "state": _TEXT,
        "receivedItemsCount": _COUNT,
        "failedItemsCount": _COUNT,
        "errorsCount": _COUNT,
        "groups": {"type": "array", "items": reference("schemas", "DigestGroup")},
        "others": _object(dict.fromkeys(("groups", "count", "errors"), _COUNT)),
        "notExplained": _TEXT,
    }
    return {
        "DigestGroup": _object(group, "code name type field rule count share indices examples"),
        "Digest": _object(digest, "batchId collection failedItemsCount errorsCount groups"),
    }


def _object(properties: Object, required: str = "") -> Object:
    needed = {"required": required.split()} if required else {}
    return {"type": "object", "properties": properties} | needed
