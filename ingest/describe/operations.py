"""The operations of a collection: what each takes and answers."""

from collections.abc import Sequence
from typing import NamedTuple

from ingest.describe import answers, bodies, codes, parameters
from ingest.describe.components import Object
from ingest.describe.described import OPERATIONS, Described
from ingest.describe.documents import of
from ingest.describe.faces import EVERY, IN_DATA, NAMED, Face
from ingest.describe.headers import headers
from ingest.describe.json_schema import MEDIA_TYPE
from ingest.formats.failure_columns import Columns
from ingest.formats.failure_files import csv_lines, csv_rows
from ingest.formats.ndjson import ndjson_lines
from ingest.formats.negotiation import CSV, JSON, NDJSON
from ingest.formats.shapes import item_shape
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
    """What describes them."""


USUAL = Group("")
DATA_ONLY = Group(
    "Data",
    (IN_DATA,),
    tuple(face for face in EVERY if face is not NAMED["data"]),
    "Only in the dialect `data`: with `Accept: application/json; dialect=data`, or a token of that "
    "dialect.",
)
"""Of what only the dialect `data` has."""


class _Write(NamedTuple):
    """What is written of an action."""

    verb: str
    sent: str
    """What the names of the schema of an item ends with, as an element and alone."""
    alone: str
    example: str


_WRITES = {
    Action.CREATE: _Write("Save", "Create", "Create", "sent"),
    Action.UPDATE: _Write("Change", "Patch", "Patch", "changed"),
    Action.DELETE: _Write("Delete", "Identity", "Reference", "deleted"),
}


def write(this: Described, action: Action, operation_id: str, group: Group = USUAL) -> Object:
    """POST, PATCH, PUT or DELETE of a collection of items."""
    resource, does = this.resource, _WRITES[action]
    return {
        "operationId": operation_id,
        "tags": [resource.name],
        "summary": f"{does.verb} a collection of {resource.name}",
        **_noted(group),
        "parameters": parameters.shared(
            *_HEADERS, f"{this.name}Matching", f"{this.name}Select", *parameters.READING
        ),
        "requestBody": _items_body(this, does),
        "responses": this.responses(
            operation_id,
            _kinds("Write", group),
            this.writes[action],
            codes.WRITE,
            group.faces,
            shows=f"{OPERATIONS[action]}{this.name}",
            elsewhere=group.elsewhere,
            writes=True,
        ),
    }


def _items_body(this: Described, does: _Write) -> Object:
    item, alone = of(f"{this.item}{does.sent}"), of(f"{this.item}{does.alone}")
    several = {"type": "array", "items": item, "maxItems": this.settings.max_items}
    name = f"{this.name}{does.sent}"
    schema = this.components.add("schemas", name, value={"anyOf": [several, alone]})
    example = None if this.example is None else getattr(this.example, does.example)
    body = bodies.items_body(schema, item, alone, example)
    return this.components.add("requestBodies", name, value=body)


def write_item(this: Described, action: Action, operation_id: str) -> Object:
    """PATCH, PUT or DELETE of one item, by its key in the path."""
    resource, group, does = this.resource, DATA_ONLY, _WRITES[action]
    operation: Object = {
        "operationId": operation_id,
        "tags": [resource.name],
        "summary": f"{does.verb} one of {resource.name}",
        **_noted(group),
        "parameters": parameters.shared(f"{this.item}KeyWritten", *_HEADERS, f"{this.name}Select"),
        "responses": this.responses(
            operation_id,
            _kinds("Write", group),
            this.writes[action],
            codes.WRITE,
            group.faces,
            shows=f"{OPERATIONS[action]}{this.name}",
            elsewhere=group.elsewhere,
            writes=True,
            single=True,
        ),
    }
    if action is Action.UPDATE:
        example = this.example and this.example.changes
        body = bodies.item_body(of(f"{this.item}Change"), example)
        operation["requestBody"] = this.components.add(
            "requestBodies", f"{this.item}Change", value=body
        )
    return operation


def list_items(this: Described, operation_id: str, group: Group = USUAL) -> Object:
    """GET of a collection."""
    of_list = f"list{this.name}"
    said = answers.lists(this.resource, this.example, f"{this.name}Listed", of_list)
    shared = parameters.shared("limit", "offset", f"{this.name}After", f"{this.name}Select")
    responses = this.responses(
        operation_id, _kinds("Read", group), said, codes.LIST, group.faces, shows=of_list
    )
    if group is USUAL:
        this.content(responses).update(_files(this))
    return {
        "operationId": operation_id,
        "tags": [this.resource.name],
        "summary": f"List {this.resource.name}, ordered by {this.resource.key.data_key}",
        "parameters": shared + parameters.filters(this.components, this.resource, this.name),
        "responses": responses,
    }


def _files(this: Described) -> Object:
    """Lists without documents around their items."""
    items = [] if this.example is None else [this.example.shown]
    columns = Columns(this.resource.key.data_key, item_shape(this.resource))
    columns.add(items)
    header = csv_lines([columns.names])
    return {
        NDJSON: {"schema": {"type": "string"}, "example": ndjson_lines(items).decode()},
        CSV: {
            "schema": {"type": "string"},
            "example": (header + csv_rows(items, columns.names)).decode(),
        },
    }


def get_item(this: Described, operation_id: str, group: Group = USUAL) -> Object:
    """GET of one item."""
    of_item = f"get{this.item}"
    said = answers.items(this.resource, this.example, f"{this.item}Found", of_item)
    return {
        "operationId": operation_id,
        "tags": [this.resource.name],
        "summary": f"One of {this.resource.name}",
        "parameters": parameters.shared(f"{this.item}Key", f"{this.name}Select"),
        "responses": this.responses(
            operation_id,
            _kinds("Read", group, "ReadItem"),
            said,
            codes.ITEM,
            group.faces,
            shows=of_item,
        ),
    }


def get_schema(this: Described, operation_id: str) -> Object:
    """GET of the collection's JSON Schema."""
    # A dialect that answers errors with 200 would stand beside the schema.
    responses = this.responses(operation_id, ("Schema",), (), codes.LIST, USUAL.faces[:2])
    for name, response in _SCHEMA.items():
        responses[name] = this.components.add("responses", f"Schema{name}", value=response)
    return {
        "operationId": operation_id,
        "tags": [this.resource.name],
        "summary": f"The JSON Schema of {this.resource.name}",
        "parameters": parameters.shared("for"),
        "responses": dict(sorted(responses.items())),
    }


_SCHEMA: dict[str, Object] = {
    "200": {
        "description": "The JSON Schema, of 2020-12.",
        "headers": headers("X-Trace-Id", "ETag", "Vary"),
        "content": {each: {"schema": {"type": "object"}} for each in (MEDIA_TYPE, JSON)},
    },
    "304": {
        "description": "It is the version that `If-None-Match` names.",
        "headers": headers("X-Trace-Id", "ETag", "Vary"),
    },
}


def _kinds(kind: str, group: Group, *narrower: str) -> tuple[str, ...]:
    """What the names of responses begin with."""
    return tuple(f"{group.name}{each}" for each in (kind, *narrower))


def _noted(group: Group) -> Object:
    return {"description": group.note} if group.note else {}
