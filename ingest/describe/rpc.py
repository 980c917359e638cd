"""The paths of the dialect `rpc`: a method for each thing that is done with a collection."""

from collections.abc import Sequence
from typing import Any

from ingest.describe import answers, codes
from ingest.describe.answers import Said
from ingest.describe.bodies import written
from ingest.describe.components import Object
from ingest.describe.described import Described
from ingest.describe.documents import of
from ingest.describe.examples import Example
from ingest.describe.faces import alone
from ingest.formats.negotiation import JSON, XML
from ingest.model import Action

SECURITY = "rpcToken"
_FACES = alone("rpc", (JSON, XML))
VERBS = {
    "import": (Action.CREATE, "Save or change", "Create"),
    "add": (Action.CREATE, "Save", "Create"),
    "update": (Action.UPDATE, "Change", "Patch"),
    "delete": (Action.DELETE, "Delete", ""),
    "get": (None, "Read", ""),
}
"""What is done, how that reads, and the schema of `data`, by the last part of a method's name."""


def paths(this: Described) -> Object:
    found: Object = {}
    for verb, (action, _, _) in VERBS.items():
        if action is not None and this.settings.read_only:
            continue
        found[f"/api/v1.1/{this.resource.name}/{verb}"] = {"post": _method(this, verb, batch=False)}
        if verb != "get":
            batch = _method(this, verb, batch=True)
            found[f"/api/v1.1/{this.resource.name}/{verb}_batch"] = {"post": batch}
    return found


def _method(this: Described, verb: str, *, batch: bool) -> Object:
    action, reads, schema = VERBS[verb]
    said: Sequence[Said]
    if action is None:
        said = answers.items(this.resource, this.example, f"{this.item}Found", f"get{this.item}")
    else:
        said = this.writes[action]
    found = codes.ITEM if action is None else codes.WRITE
    several = f"{verb.capitalize()}{this.name if batch else this.item}"
    operation_id = f"rpc{several}{'Batch' if batch else ''}"
    many = "several" if batch else "one"
    return {
        "operationId": operation_id,
        "tags": [this.resource.name],
        "summary": f"{reads} {many} of {this.resource.name}, in the dialect `rpc`",
        "security": [{"bearer": []}, {SECURITY: []}],
        "requestBody": _body(this, verb, schema, batch=batch),
        "responses": this.responses(
            operation_id,
            ("RpcRead" if action is None else "RpcWrite",),
            said,
            found,
            _FACES,
            writes=action is not None,
            single=not batch,
        ),
    }


def _body(this: Described, verb: str, schema: str, *, batch: bool) -> Object:
    data: Any = of(f"{this.item}{schema}") if schema else {"type": "object"}
    own = {"properties": {"data": {"type": "array", "items": data} if batch else data}}
    call = {"allOf": [of("RpcCall"), own]}
    content: Object = {JSON: {"schema": call}, XML: {"schema": call}}
    if this.example is not None:
        example = _example(this.example, verb, batch=batch)
        for media_type, media in content.items():
            media["example"] = written([example], media_type, alone=True)
    names = [f"Rpc{each}{'Batch' if batch else ''}" for each in (this.item, f"{this.item}{verb}")]
    body = {"required": True, "content": content}
    return this.components.add("requestBodies", *names, value=body)


def _example(example: Example, verb: str, *, batch: bool) -> Object:
    data = {"update": example.changed, "delete": example.deleted}.get(verb, example.sent)
    if batch:
        return {"data": [data]}
    return {"profile_id": example.key} if verb in ("get", "delete") else {"data": data}
