"""A collection with what its operations are written with: names, schemas, an example."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ingest.describe import codes
from ingest.describe.answers import Said
from ingest.describe.components import Components, Object
from ingest.describe.documents import document, of
from ingest.describe.examples import Example, example_of
from ingest.describe.faces import EVERY, Face
from ingest.describe.json_schema import Kind, json_schema
from ingest.describe.responses import Answered, Responses
from ingest.errors import MethodNotAllowed, RequestError
from ingest.resources.resource import Resource
from ingest.settings import Settings

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
    name: str
    """What schemas and operations are called after it: `Contacts`."""
    item: str
    """The same of one item: `Contact`."""
    example: Example | None
    errors: Mapping[str, Said]
    """Those of requests as a whole, by name."""

    def responses(
        self,
        operation_id: str,
        kind: str,
        said: Sequence[Said],
        found: Iterable[type[RequestError]],
        faces: Sequence[Face] = EVERY,
        *,
        writes: bool = False,
        single: bool = False,
        elsewhere: Sequence[Face] = (),
        of_collection: bool = True,
    ) -> Object:
        """The responses of an operation.

        Args:
            kind: what the names of those begin with that other operations have too.
            said: what it can answer, but for errors.
            found: the errors that it can have.
            writes: whether it writes.
            single: whether what it writes is one item.
            elsewhere: the faces which do not have the operation, and say so.
            of_collection: whether only errors that the collection can have are meant.
        """
        settings = self.settings
        names = codes.names(found, self.resource if of_collection else None, settings)
        answered = Answered(
            operation_id=operation_id,
            kind=kind,
            collection=self.resource.name,
            docs=f"{settings.public_url.rstrip('/')}/docs/errors/",
            rated=bool(settings.rate_limit or settings.account_rate_limit),
            writes=writes,
            single=single,
            links=_links(self) if writes else {},
        )
        every = [*said, *(self.errors[name] for name in names)]
        absent = [self.errors[MethodNotAllowed.error_code.name]]
        return Responses(answered, self.components).of((every, faces), (absent, elsewhere))


def _add_identities(components: Components, item: str, key: str) -> None:
    """What DELETE takes: a key, or an object that has it."""
    reference = {"type": "object", "properties": {key: of(f"{item}Key")}, "required": [key]}
    components.add("schemas", f"{item}Reference", reference)
    either = {"anyOf": [of(f"{item}Key"), of(f"{item}Reference")]}
    components.add("schemas", f"{item}Identity", either)


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
    return {"batch": _LINK, "item": item}


def described(
    resource: Resource,
    settings: Settings,
    components: Components,
    name: str,
    item: str,
    errors: Mapping[str, Said],
) -> Described:
    """Add the schemas of a collection to the components."""
    base = settings.public_url.rstrip("/")
    create = json_schema(resource, Kind.CREATE, base)
    components.schema(f"{item}Create", create)
    patch = json_schema(resource, Kind.PATCH, base)
    components.schema(f"{item}Patch", patch)
    components.schema(f"{item}Change", _without(patch, resource.key.data_key))
    components.schema(f"{item}Key", json_schema(resource, Kind.KEY, base))
    _add_identities(components, item, resource.key.data_key)
    components.schema(item, _selected(json_schema(resource, Kind.ITEM, base)))
    several = {"type": "array", "items": of(item)}
    failures = {"type": "array", "items": of("Failure")}
    schemas = {
        f"{name}Written": document(
            "success partial",
            metadata=of("WriteMetadata"),
            failures=failures,
            data=several,
            required="metadata",
        ),
        f"{name}Listed": document(
            "success", metadata=of("ListMetadata"), data=several, required="metadata data"
        ),
        f"{item}Found": document(
            "success", metadata=of("ListMetadata"), data=of(item), required="metadata data"
        ),
    }
    for each, schema in schemas.items():
        components.add("schemas", each, schema)
    example = example_of(resource, create)
    return Described(resource, settings, components, name, item, example, errors)
