"""What the parameters of a call of document 001 ask for: collection, action, and items."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ingest.access.rights import Right
from ingest.errors import (
    INVALID,
    InvalidParameter,
    MalformedBody,
    UnknownCollection,
    UnknownDatabase,
    UnknownEndpoint,
)
from ingest.formats.shapes import ANY, Kind, Shape, item_shape, shape_of
from ingest.model import Action, ItemError, Unreadable
from ingest.resources.layout import StoredField
from ingest.resources.registry import Registry
from ingest.resources.resource import Resource

PROFILES = "profiles"
PROFILE_ID = "profile_id"
RESERVED = frozenset({"token", "db_id", "resource_id", "matching", "data", "format"})
"""Parameters that are never a field, whatever a schema calls its own."""
_BATCH = "_batch"
_MAX_DIGITS = 18


class Verb(Enum):
    """What is done with profiles, by the last part of a method's name."""

    IMPORT = "import"
    ADD = "add"
    UPDATE = "update"
    DELETE = "delete"
    GET = "get"

    @property
    def action(self) -> Action | None:
        """What a batch of it does; None where it only reads."""
        return _ACTIONS.get(self)

    @property
    def rights(self) -> tuple[Right, ...]:
        return _RIGHTS[self]


_ACTIONS = {
    Verb.IMPORT: Action.CREATE,
    Verb.ADD: Action.CREATE,
    Verb.UPDATE: Action.UPDATE,
    Verb.DELETE: Action.DELETE,
}
_RIGHTS = {
    Verb.IMPORT: (Right.CREATE, Right.UPDATE),
    Verb.ADD: (Right.CREATE,),
    Verb.UPDATE: (Right.UPDATE,),
    Verb.DELETE: (Right.DELETE,),
    Verb.GET: (Right.READ,),
}


@dataclass(frozen=True, slots=True)
class Method:
    """A method's name: `profiles/import`, `contacts/delete_batch`."""

    prefix: str
    verb: Verb
    batch: bool

    @classmethod
    def named(cls, name: str) -> "Method":
        """
        Raises:
            UnknownEndpoint: there is no such method.
        """
        prefix, _, last = name.partition("/")
        batch = last.endswith(_BATCH)
        try:
            verb = Verb(last.removesuffix(_BATCH))
        except ValueError:
            verb = None
        if verb is None or (batch and verb is Verb.GET):
            known = ", ".join(f"profiles/{each.value}" for each in Verb)
            raise UnknownEndpoint(f"There is no method {name[:100]!r}", f"There are {known}.")
        return cls(prefix, verb, batch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a call asks to be done."""

    single: bool
    identity: StoredField
    """What finds the profiles."""
    value: Any
    """That of a single profile, where it is known."""
    items: list[Any]


def resource_of(method: Method, parameters: Mapping[str, Any], registry: Registry) -> Resource:
    """The collection that a call is about.

    Raises:
        UnknownCollection: the method names none that there is.
        UnknownDatabase: `db_id` and `resource_id` do.
        InvalidParameter: one of them is no number, or names another than the method.
    """
    named = registry.get(method.prefix)
    if named is None and method.prefix != PROFILES:
        raise UnknownCollection(
            f"There is no collection {method.prefix[:100]!r}",
            f"Methods begin with {PROFILES}, or with one of {', '.join(registry)}.",
        )
    database = _number("db_id", parameters)
    if database is not None:
        found = registry.databases.get(database)
        if found is None:
            raise UnknownDatabase(f"There is no database {database}")
        if named is not None and found is not named and method.prefix != PROFILES:
            raise InvalidParameter(
                f"The database {database} is not {named.name!r}", "Leave db_id out."
            )
        named = found
    if named is None:
        raise InvalidParameter("The parameter 'db_id' is missing", "It takes a number.")
    number = _number("resource_id", parameters)
    if number is not None and number not in named.rpc_resources:
        raise UnknownDatabase(f"The database is not available in the resource {number}")
    return named


def shape_of_parameters(resource: Resource, *, batch: bool) -> Shape:
    """What texts of an XML body are, which has no types of its own."""
    item = item_shape(resource)
    members = {
        field.data_key: shape_of(field.field)
        for field in resource.fields
        if field.data_key not in RESERVED
    }
    members[PROFILE_ID] = shape_of(resource.key.field)
    members["data"] = Shape(Kind.ARRAY, element=lambda: item) if batch else item
    return Shape(Kind.OBJECT, members=lambda: members, element=lambda: ANY)


def read(method: Method, parameters: Mapping[str, Any], resource: Resource) -> Asked:
    """What is to be done with which items.

    Raises:
        InvalidParameter: a parameter is missing, not known, or cannot be read.
        MalformedBody: `data` is not what the method takes.
    """
    data = parameters.get("data")
    if method.batch and not isinstance(data, list):
        raise MalformedBody("The parameter 'data' is no array", "Send a list of items.")
    identity, label = _identity(parameters, resource)
    known = RESERVED | {label}
    for name in parameters:
        if name not in known:
            raise InvalidParameter(
                f"The parameter {name[:100]!r} is not known",
                "Matching names the one that finds the profile.",
            )
    if isinstance(data, list) and method.verb is not Verb.GET:
        return _read_batch(data, parameters, resource, identity, label)
    return _read_single(method, parameters, identity, label)


def _read_batch(
    data: list[Any],
    parameters: Mapping[str, Any],
    resource: Resource,
    identity: StoredField,
    label: str,
) -> Asked:
    for name in (PROFILE_ID, label):
        if name in parameters and name not in RESERVED:
            raise InvalidParameter(
                f"The parameter {name!r} finds one profile", "Each item of data carries its own."
            )
    key = resource.key
    aliased = PROFILE_ID not in resource.by_data_key
    items = data
    if aliased and any(isinstance(item, dict) and PROFILE_ID in item for item in data):
        items = [_keyed(item, key) for item in data]
        identity = identity if "matching" in parameters else key
    return Asked(single=False, identity=identity, value=None, items=items)


def _keyed(item: Any, key: StoredField) -> Any:
    """An item whose key is called `profile_id`, with the key's own name."""
    if not isinstance(item, dict) or PROFILE_ID not in item:
        return item
    rest = {name: value for name, value in item.items() if name != PROFILE_ID}
    value = _typed(key, item[PROFILE_ID])
    if _differ(key, value, rest.get(key.data_key, value)):
        return _contradicting(item, key)
    return {key.data_key: value, **rest}


def _differ(field: StoredField, one: Any, other: Any) -> bool:
    return bool(_typed(field, one) != _typed(field, other))


def _contradicting(item: Any, field: StoredField) -> Unreadable:
    message = "There are two values of it, which differ."
    return Unreadable(item, [ItemError(INVALID, message, field.data_key)])


def _read_single(
    method: Method, parameters: Mapping[str, Any], identity: StoredField, label: str
) -> Asked:
    data = parameters.get("data")
    needs_data = method.verb in (Verb.IMPORT, Verb.ADD, Verb.UPDATE)
    if not isinstance(data, dict):
        if needs_data or data is not None:
            raise MalformedBody("The parameter 'data' is no object", "Send the profile's fields.")
        data = {}
    value = data.get(identity.data_key)
    if label in parameters and label not in RESERVED:
        value = _typed(identity, parameters[label])
    if method.verb is Verb.ADD and value is None:
        return Asked(single=True, identity=identity, value=None, items=[data])
    if value is None or isinstance(value, dict | list):
        raise InvalidParameter(f"The value of {label!r}, which finds the profile, is missing")
    # Where both are there, that of data is the one that the schema gets to see.
    item: Any = {identity.data_key: value} | (data if needs_data else {})
    if _differ(identity, value, data.get(identity.data_key, value)):
        item = _contradicting(data, identity)
    return Asked(single=True, identity=identity, value=value, items=[item])


def _identity(parameters: Mapping[str, Any], resource: Resource) -> tuple[StoredField, str]:
    """The field that finds profiles, and the parameter that has its value."""
    name = parameters.get("matching")
    if name is None:
        unique = next((each[0] for each in resource.unique if len(each) == 1), None)
        if PROFILE_ID in parameters or unique is None:
            return resource.key, PROFILE_ID
        return unique, unique.data_key
    if name == PROFILE_ID:
        return resource.key, PROFILE_ID
    found = resource.by_data_key.get(name) if isinstance(name, str) else None
    if found is None or not resource.may_match(found):
        raise InvalidParameter(
            "The parameter 'matching' names no field that finds a profile",
            f"It takes {PROFILE_ID}, or a scalar field that clients send and see.",
        )
    return found, found.data_key


def _typed(field: StoredField, value: Any) -> Any:
    """A value of the parameters: keys are shown as text, and so are sent as text."""
    return shape_of(field.field).value(value) if isinstance(value, str) else value


def _number(name: str, parameters: Mapping[str, Any]) -> int | None:
    value = parameters.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise InvalidParameter(f"The parameter {name!r} is no number", "It takes a whole number.")
    return int(text)
