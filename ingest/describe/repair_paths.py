"""What repairs a batch in place, and what gives it up."""

from collections.abc import Sequence

from ingest.describe import answers, codes
from ingest.describe.components import Object
from ingest.describe.described import Described
from ingest.describe.faces import EVERY, Face
from ingest.describe.parameters import READING, shared
from ingest.errors import INVALID_ITEMS
from ingest.formats.negotiation import CSV, JSON, NDJSON, YAML
from ingest.model import Action

_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The attempt that the batch must be at (`ETag`): of two who repair it at"
    " the same time one gets 412.",
    "schema": {"type": "string"},
    "example": '"1"',
}
_INDEX = {"type": "integer", "minimum": 0}
_CHANGE = {
    "type": "object",
    "properties": {
        "index": _INDEX | {"description": "Of the item, in the request that sent the batch."},
        "item": {"description": "What takes its place."},
        "drop": {"description": "Whether the batch is saved without it.", "type": "boolean"},
        "rawData": {"description": "As `item`, in a row of the failures that was corrected."},
        "errors": {"type": "array", "items": {}},
    },
    "required": ["index"],
}
_CHANGES = [{"index": 1, "item": {}}, {"index": 2, "drop": True}]
_SAID = ("saved", "accepted", INVALID_ITEMS)


def repair(this: Described, operation_id: str, faces: Sequence[Face] = EVERY) -> Object:
    """PATCH of the items of a batch."""
    return _repairing(this, operation_id, faces) | {
        "summary": "Correct items of a refused batch that is kept, and save it",
        "description": "A strict batch that was sent with `Prefer: repair=keep` is kept where it is"
        " refused for its items. Only changed items are validated; all of the batch is saved then,"
        " under its id, or nothing.",
        "parameters": [*shared("batch", "Prefer", *READING), _IF_MATCH],
        "requestBody": {
            "description": "Changes, or the failures of the batch, corrected.",
            "required": True,
            "content": {
                JSON: {"schema": {"type": "array", "items": _CHANGE}, "example": _CHANGES},
                YAML: {"schema": {"type": "array", "items": _CHANGE}},
                NDJSON: {"schema": {"type": "string", "description": "One change a line."}},
                CSV: {"schema": {"type": "string", "description": "The failures, corrected."}},
            },
        },
    }


def apply_remedies(this: Described, operation_id: str, faces: Sequence[Face] = EVERY) -> Object:
    """POST of remedies of a digest."""
    ids = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    schema = {"type": "object", "properties": {"remedies": ids}, "required": ["remedies"]}
    example = {"remedies": ["decimal_comma-5f1d2ce5b6a9"]}
    return _repairing(this, operation_id, faces) | {
        "summary": "Apply remedies of its digest to a refused batch that is kept, and save it",
        "description": "Each is applied to the items that it heals, if the digest offers it now;"
        " all of the batch is saved then, under its id, or nothing.",
        "parameters": [*shared("batch", "Prefer"), _IF_MATCH],
        "requestBody": {
            "description": "Ids of remedies.",
            "required": True,
            "content": {JSON: {"schema": schema, "example": example}, YAML: {"schema": schema}},
        },
    }


def _repairing(this: Described, operation_id: str, faces: Sequence[Face]) -> Object:
    """What all repairs answer."""
    found = answers.writes(
        this.resource, Action.UPDATE, this.example, "CollectionDocument", "repairBatch"
    )
    return {
        "operationId": operation_id,
        "tags": ["batches"],
        "responses": this.responses(
            operation_id,
            _kinds(faces, "Repair"),
            [each for each in found if each.name in _SAID],
            codes.REPAIR,
            faces,
            shows="repairBatch",
            of_collection=False,
        ),
    }


def give_up(this: Described, operation_id: str, faces: Sequence[Face] = EVERY) -> Object:
    """DELETE of a batch."""
    return {
        "operationId": operation_id,
        "tags": ["batches"],
        "summary": "Keep a refused batch no longer to be repaired",
        "description": "Its Idempotency-Key is free then.",
        "parameters": [*shared("batch"), _IF_MATCH],
        "responses": this.responses(
            operation_id,
            _kinds(faces, "GivenUp"),
            answers.batch(this.resource, this.example),
            codes.GIVE_UP,
            faces,
            shows="giveUpBatch",
            of_collection=False,
        ),
    }


def _kinds(faces: Sequence[Face], own: str) -> tuple[str, ...]:
    """What the names of responses begin with."""
    before = "" if faces is EVERY else "Hash"
    return tuple(f"{before}{each}" for each in ("Read", "Batch", own))
