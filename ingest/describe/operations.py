"""The operations of a collection: what each takes and answers."""

from collections.abc import Sequence
from typing import NamedTuple

from ingest.describe import answers, bodies, codes, parameters
from ingest.describe.components import Object
from ingest.describe.described import Described
from ingest.describe.documents import of
from ingest.describe.faces import EVERY, NAMED, Face
from ingest.describe.headers import headers
from ingest.describe.json_schema import MEDIA_TYPE, Kind
from ingest.formats.compression import ENCODINGS
from ingest.formats.negotiation import JSON, RESPONSES
from ingest.model import Action

_HEADERS = ("Idempotency-Key", "Prefer", "dryRun")


class Group(NamedTuple):
    """How a group of operations answers."""

    name: str
    """What the names of its responses begin with."""
    faces: Sequence[Face] = EVERY
    elsewhere: Sequence[Face] = ()
    """The faces which do not have the operation, and say so."""
    note: str = ""
    """What its descriptions begin with."""


USUAL = Group("")
DATA_ONLY = Group(
    "Data",
    (NAMED["data"],),
    tuple(face for face in EVERY if face is not NAMED["data"]),
    "Only in the dialect `data`: with `Accept: application/json; dialect=data`, or a token of that "
    "dialect. ",
)
"""Of what only the dialect `data` has."""

_WRITES = {
    Action.CREATE: ("Save", "Create", "Create", "sent"),
    Action.UPDATE: ("Change", "Patch", "Patch", "changed"),
    Action.DELETE: ("Delete", "Identity", "Reference", "deleted"),
}
"""The verb, what the names of the schemas of an item and of a lone one end with, the example."""


def write(this: Described, action: Action, operation_id: str, group: Group = USUAL) -> Object:
    """POST, PATCH, PUT or DELETE of a collection of items."""
    resource = this.resource
    verb, schema, alone, example = _WRITES[action]
    said = answers.writes(resource, action, this.example, f"{this.name}Written")
    return {
        "operationId": operation_id,
        "tags": [resource.name],
        "summary": f"{verb} a collection of {resource.name}",
        "description": group.note + _limits(this),
        "parameters": [
            *parameters.shared(*_HEADERS),
            parameters.matching(resource),
            parameters.select(resource),
        ],
        "requestBody": bodies.items_body(
            of(f"{this.item}{schema}"),
            of(f"{this.item}{alone}"),
            None if this.example is None else getattr(this.example, example),
            maximum=this.settings.max_items,
        ),
        "responses": this.responses(
            operation_id,
            f"{group.name}Write",
            said,
            codes.WRITE,
            group.faces,
            elsewhere=group.elsewhere,
            writes=True,
        ),
        "x-ingest": _extension(this),
    }


def write_item(this: Described, action: Action, operation_id: str) -> Object:
    """PATCH, PUT or DELETE of one item, by its key in the path."""
    resource, group = this.resource, DATA_ONLY
    verb = _WRITES[action][0]
    operation: Object = {
        "operationId": operation_id,
        "tags": [resource.name],
        "summary": f"{verb} one of {resource.name}",
        "description": group.note + _limits(this),
        "parameters": [
            parameters.key_in_path(resource),
            *parameters.shared(*_HEADERS),
            parameters.select(resource),
        ],
        "responses": this.responses(
            operation_id,
            f"{group.name}WriteItem",
            answers.writes(resource, action, this.example, f"{this.name}Written"),
            codes.WRITE,
            group.faces,
            elsewhere=group.elsewhere,
            writes=True,
            single=True,
        ),
        "x-ingest": _extension(this),
    }
    if action is Action.UPDATE:
        operation["requestBody"] = bodies.item_body(
            of(f"{this.item}Change"), this.example and this.example.changes, RESPONSES
        )
    return operation


def list_items(this: Described, operation_id: str, group: Group = USUAL) -> Object:
    """GET of a collection."""
    said = answers.lists(this.resource, this.example, f"{this.name}Listed")
    return {
        "operationId": operation_id,
        "tags": [this.resource.name],
        "summary": f"List {this.resource.name}, ordered by {this.resource.key.data_key}",
        "parameters": parameters.of_list(this.resource),
        "responses": this.responses(
            operation_id, f"{group.name}Read", said, codes.LIST, group.faces
        ),
    }


def get_item(this: Described, operation_id: str, group: Group = USUAL) -> Object:
    """GET of one item."""
    said = answers.items(this.resource, this.example, f"{this.item}Found")
    return {
        "operationId": operation_id,
        "tags": [this.resource.name],
        "summary": f"One of {this.resource.name}",
        "parameters": [parameters.key_in_path(this.resource), parameters.select(this.resource)],
        "responses": this.responses(
            operation_id, f"{group.name}ReadItem", said, codes.ITEM, group.faces
        ),
    }


def get_schema(this: Described, operation_id: str) -> Object:
    """GET of the collection's JSON Schema."""
    kinds = {"enum": [each.value for each in Kind], "default": Kind.CREATE.value}
    # A dialect that answers errors with 200 would stand beside the schema.
    responses = this.responses(operation_id, "Schema", (), codes.LIST, USUAL.faces[:2])
    found = {
        "description": "The JSON Schema, of 2020-12.",
        "headers": headers("X-Trace-Id", "ETag", "Vary"),
        "content": {each: {"schema": {"type": "object"}} for each in (MEDIA_TYPE, JSON)},
    }
    unchanged = {
        "description": "It is the version that `If-None-Match` names.",
        "headers": headers("X-Trace-Id", "ETag", "Vary"),
    }
    return {
        "operationId": operation_id,
        "tags": [this.resource.name],
        "summary": f"The JSON Schema of {this.resource.name}",
        "parameters": [
            {
                "name": "for",
                "in": "query",
                "description": "What POST or PATCH sends, what GET shows, or a key.",
                "schema": kinds,
            }
        ],
        "responses": {"200": found, "304": unchanged} | responses,
    }


def _limits(this: Described) -> str:
    settings = this.settings
    return (
        f"At most {settings.max_items:,} items and {settings.max_body:,} bytes, decompressed; of "
        f"NDJSON and CSV any number of items and {settings.max_stream:,} bytes. Bodies may be "
        f"compressed with {', '.join(ENCODINGS)} (`Content-Encoding`). All items are saved or "
        "none, unless `Prefer: handling=lenient` is sent."
    )


def _extension(this: Described) -> Object:
    settings, resource = this.settings, this.resource
    return {
        "key": resource.key.data_key,
        "unique": [[field.data_key for field in group] for group in resource.unique],
        "maxItems": settings.max_items,
        "maxBody": settings.max_body,
        "maxStream": settings.max_stream,
        "maxNesting": settings.max_nesting,
        "idempotencyRequired": resource.idempotency_required or settings.idempotency_required,
        "contentEncodings": [*ENCODINGS],
    }
