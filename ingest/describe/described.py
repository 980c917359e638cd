"""A collection with what its operations are written with: names, schemas, an example."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ingest.describe import answers, codes
from ingest.describe.answers import Said
from ingest.describe.components import Components, Object
from ingest.describe.documents import document, of
from ingest.describe.examples import Example, example_of
from ingest.describe.faces import EVERY, Face
from ingest.describe.json_schema import Kind, json_schema
from ingest.describe.parameters import add_of_collection
from ingest.describe.responses import Answered, Responses
from ingest.errors import MethodNotAllowed, RequestError
from ingest.model import Action
from ingest.resources.possible_errors import possible_errors
from ingest.resources.resource import META, Resource
from ingest.settings import Settings

OPERATIONS = {Action.CREATE: "create", Action.UPDATE: "patch", Action.DELETE: "delete"}
"""What the names of operations begin with."""

_SENT, _SHOWN = {META: "SentMeta"}, {META: "ShownMeta"}
_LINK = {
    "operationId": "getBatch",
    "parameters": {"batch": "$response.body#/metadata/batchId"},
    "description": "What has become of the batch.",
}


@dataclass(frozen=True, slots=True)
class Described:
    """A collection, and what its operations are written with."""

    resource: Resource
    settings: Settings
    components: Components
    writer: Responses
    name: str
    """What schemas and operations are called after it: `Contacts`."""
    item: str
    """The same of one item: `Contact`."""
    example: Example | None
    writes: Mapping[Action, Sequence[Said]]
    """What writes can answer, but for errors."""
    errors: Mapping[str, Said]
    """Those of requests as a whole, by name."""
    possible: frozenset[int]
    """The codes of those that the collection can have."""

    def responses(
        self,
        operation_id: str,
        kinds: tuple[str, ...],
        said: Sequence[Said],
        found: Iterable[type[RequestError]],
        faces: Sequence[Face] = EVERY,
        *,
        shows: str = "",
        writes: bool = False,
        single: bool = False,
        elsewhere: Sequence[Face] = (),
        of_collection: bool = True,
    ) -> Object:
        """The responses of an operation.

        Args:
            kinds: what the names of those begin with that other operations have too; the widest
                first.
            said: what it can answer, but for errors.
            found: the errors that it can have.
            shows: what the names of those begin with that show items; the operation's own name
                where no other shows the same.
            writes: whether it writes.
            single: whether what it writes is one item.
            elsewhere: the faces which do not have the operation, and say so.
            of_collection: whether only errors that the collection can have are meant.
        """
        names = codes.names(found, self.possible if of_collection else None)
        answered = Answered(
            operation_id=operation_id,
            kinds=kinds,
            collection=self.resource.name,
            shows=shows or operation_id,
            writes=writes,
            single=single,
            links=_links(self) if writes else {},
        )
        every = [*said, *(self.errors[name] for name in names)]
        absent = [self.errors[MethodNotAllowed.error_code.name]]
        return self.writer.of(answered, (every, faces), (absent, elsewhere))

    def content(self, responses: Object) -> Object:
        """What the response that is no error may hold, by media type."""
        _, _, kind, name = responses["200"]["$ref"].split("/")
        found: Object = self.components.found(kind, name)["content"]
        return found


def _add_identities(components: Components, item: str, key: str) -> None:
    """What DELETE takes: a key, or an object that has it."""
    reference = {"type": "object", "properties": {key: of(f"{item}Key")}, "required": [key]}
    components.add("schemas", f"{item}Reference", value=reference)
    either = {"anyOf": [of(f"{item}Key"), of(f"{item}Reference")]}
    components.add("schemas", f"{item}Identity", value=either)


def _add_sent(
    components: Components, resource: Resource, settings: Settings, item: str, create: Object
) -> None:
    """The schemas of what is sent."""
    base, key = settings.public_url.rstrip("/"), resource.key.data_key
    components.schema(f"{item}Create", create, _SENT)
    patch = json_schema(resource, Kind.PATCH, base)
    components.schema(f"{item}Patch", patch, _SENT)
    components.schema(f"{item}Change", _without(patch, key), _SENT)
    components.schema(f"{item}Key", json_schema(resource, Kind.KEY, base), {})
    _add_identities(components, item, key)


def _without(schema: Object, key: str) -> Object:
    """The schema of what is sent to an item whose key is in the path."""
    needed = [name for name in schema.get("required", ()) if name != key]
    changed: Object = {"required": needed} if needed else {}
    if "properties" in schema:
        properties = schema["properties"].items()
        changed["properties"] = {name: each for name, each in properties if name != key}
    return {name: each for name, each in schema.items() if name != "required"} | changed


def _selected(schema: Object) -> Object:
    """The schema of an item of which `select` may leave out everything."""
    return {name: each for name, each in schema.items() if name != "required"}


def _links(this: Described) -> Object:
    """From what a write answers."""
    key = this.resource.key.data_key.replace("~", "~0").replace("/", "~1")
    item = {
        "operationId": f"get{this.item}",
        "parameters": {"key": f"$response.body#/data/0/{key}"},
        "description": "The first item that was saved.",
    }
    add = this.components.add
    return {
        "batch": add("links", "Batch", value=_LINK),
        "item": add("links", this.item, value=item),
    }


def described(
    resource: Resource,
    settings: Settings,
    components: Components,
    writer: Responses,
    name: str,
    item: str,
    errors: Mapping[str, Said],
) -> Described:
    """Add what a collection's operations refer to: its schemas, parameters and bodies."""
    base = settings.public_url.rstrip("/")
    create = json_schema(resource, Kind.CREATE, base)
    _add_sent(components, resource, settings, item, create)
    components.schema(item, _selected(json_schema(resource, Kind.ITEM, base)), _SHOWN)
    several = {"type": "array", "items": of(item)}
    failures = {"type": "array", "items": of("Failure")}
    written = document(
        "success partial",
        metadata=of("WriteMetadata"),
        failures=failures,
        data=several,
        required="metadata",
    )
    schemas = {
        f"{name}Written": written,
        f"{name}Listed": document(
            "success", metadata=of("ListMetadata"), data=several, required="metadata data"
        ),
        f"{item}Found": document(
            "success", metadata=of("ListMetadata"), data=of(item), required="metadata data"
        ),
    }
    for each, schema in schemas.items():
        components.add("schemas", each, value=schema)
    add_of_collection(components, resource, name, item)
    example = example_of(resource, create)
    writes = {
        action: answers.writes(resource, action, example, f"{name}Written", f"{verb}{name}")
        for action, verb in OPERATIONS.items()
    }
    possible = possible_errors(resource, settings)
    return Described(
        resource, settings, components, writer, name, item, example, writes, errors, possible
    )
