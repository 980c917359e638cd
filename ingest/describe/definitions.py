"""Schemas, the one of a resource and those nested in it, as objects of JSON Schema."""

from dataclasses import dataclass, field
from typing import Any

from marshmallow import RAISE, Schema, fields, missing
from marshmallow.decorators import (
    POST_DUMP,
    POST_LOAD,
    PRE_DUMP,
    PRE_LOAD,
    VALIDATES,
    VALIDATES_SCHEMA,
)

from ingest.describe.fields import (
    PREPARES,
    SHOWS,
    Place,
    described,
    key_property,
    never_null,
    property_of,
)
from ingest.describe.notes import NOTES, noted
from ingest.resources.dumping import DUMPING, overridden
from ingest.resources.resource import META, Resource
from ingest.validation.engine.known import check_no_override, check_schema
from ingest.validation.engine.source import Uncompiled

_CHECKS = "Code of the schema's own checks the object as a whole: {}."
MATCHING = "With `matching`, that field stands for the key."
_MADE = "Made by the service where an item has none."
_LAST_WORD = "Code of the schema's own has the last word on the object."
_Partial = bool | frozenset[str] | None


@dataclass
class Definitions:
    """The definitions of one document, found while it is written."""

    shown: bool
    found: dict[str, Any] = field(default_factory=dict)
    """By name, for `$defs`."""
    _names: dict[Any, str] = field(default_factory=dict)

    def reserve(self, name: str, definition: dict[str, Any]) -> None:
        """Give a name to a definition of the service's own."""
        self.found[name] = definition

    def root(self, resource: Resource, *, patch: bool) -> dict[str, Any]:
        """The schema of a resource."""
        schema = resource.schema
        partial = frozenset(schema.load_fields) if patch else _partial_of(schema, None)
        said = self._object(schema, partial, schema.unknown, top=True)
        if self.shown:
            return self._with_shown_key(resource, said)
        return _sent(schema, self._with_sent_key(resource, said, patch=patch))

    def reference(self, field: fields.Nested, place: Place) -> dict[str, Any]:
        """A reference to the definition of a nested schema."""
        schema = field.schema
        partial = _partial_of(schema, place.partial)
        unknown = field.unknown or schema.unknown
        same = (type(schema), _fields_of(schema), unknown, partial)
        if same not in self._names:
            name = self._names[same] = self._free_name(type(schema).__name__)
            self.found[name] = {}
            said = self._object(schema, partial, unknown, top=False)
            self.found[name] = _shown(schema, said) if self.shown else _sent(schema, said)
        return {"$ref": f"#/$defs/{self._names[same]}"}

    def plucked(self, field: fields.Pluck, place: Place) -> dict[str, Any]:
        """The one field of a nested schema that stands for it."""
        inner = field.schema.fields[field.field_name]
        many = field.schema.many or field.many
        # Alone, it is null where the field outside may be null.
        if self.shown:
            return described(inner, place.inside())
        said = described(inner if many else never_null(inner), place.inside())
        whole = _sent(field.schema, _checked(field.schema, field.field_name, said, False))
        prepared = whole.get(NOTES, {}).get("prepared") is not None
        return {name: each for name, each in whole.items() if not prepared or name != "type"}

    def _free_name(self, wanted: str) -> str:
        base = "".join(each if each.isascii() and each.isalnum() else "_" for each in wanted)
        name, number = base, 2
        while name in self.found:
            name, number = f"{base}{number}", number + 1
        return name

    def _object(
        self, schema: Schema, partial: _Partial, unknown: str, *, top: bool
    ) -> dict[str, Any]:
        """What the fields of a schema say; its own code is for the caller to see to."""
        declared = schema.dump_fields if self.shown else schema.load_fields
        properties: dict[str, Any] = {}
        required = []
        for name, each in declared.items():
            place = Place(self.shown, top, _inside(partial, name), self)
            data_key = _data_key(name, each)
            properties[data_key] = _checked(schema, name, property_of(each, place), self.shown)
            if _may_lack(partial, name):
                properties[data_key].pop("default", None)
            elif each.required and not self.shown:
                required.append(data_key)
        said: dict[str, Any] = {"type": "object", "properties": properties}
        if required:
            said["required"] = required
        said["additionalProperties"] = not self.shown and unknown != RAISE
        return said

    def _with_shown_key(self, resource: Resource, said: dict[str, Any]) -> dict[str, Any]:
        said = _shown(resource.schema, said)
        name = resource.key.data_key
        own: dict[str, Any] = {name: {}} if resource.own_key else {}
        properties = {**own, **said.get("properties", {}), META: _META}
        required = [name] if name in properties else []
        if required:
            properties[name] = self.key(resource)
        if "properties" in said:
            required += [
                each.data_key
                for each in resource.fields
                if each.shown
                and each.field.allow_none
                and each.data_key not in resource.selection.hidden
            ]
        found = {**said, "properties": properties}
        if required:
            found["required"] = list(dict.fromkeys(required))
        if resource.loads_objects:
            found.pop("additionalProperties", None)
        return found

    def _with_sent_key(
        self, resource: Resource, said: dict[str, Any], *, patch: bool
    ) -> dict[str, Any]:
        key, properties = resource.key, said["properties"]
        required = said.get("required", [])
        if patch or resource.own_key:
            others = {n: each for n, each in properties.items() if n != key.data_key}
            properties = {key.data_key: self.key(resource), **others}
        elif not key.field.dump_only:
            properties[key.data_key] = self.key(resource, default=True)
        elif said["additionalProperties"]:
            properties = {key.data_key: False, **properties}
        if resource.server_key and properties.get(key.data_key) and not patch:
            properties[key.data_key] = {"description": _MADE, **properties[key.data_key]}
        if patch or not (resource.server_key or key.field.load_default is not missing):
            required = [key.data_key, *required]
        found = {**said, "properties": {**properties, META: _META}}
        if required:
            found["required"] = list(dict.fromkeys(required))
        if not patch:
            return found
        return noted(found, MATCHING)

    def key(self, resource: Resource, *, default: bool = False) -> dict[str, Any]:
        """The key of an item, which is never null; with its default, or without."""
        place = Place(self.shown, True, None, self)
        said = key_property(resource.key.field, place)
        if not default:
            said.pop("default", None)
        return _checked(resource.schema, resource.key.name, said, self.shown)


_META = {"$ref": f"#/$defs/{META}"}


def _shown(schema: Schema, said: dict[str, Any]) -> dict[str, Any]:
    """What a schema shows, its own code considered."""
    hooks = schema._hooks.get(PRE_DUMP) or schema._hooks.get(POST_DUMP)
    if hooks or overridden(schema, DUMPING):
        return noted({"type": "object"}, SHOWS)
    return said


def _sent(schema: Schema, said: dict[str, Any]) -> dict[str, Any]:
    """What a schema takes, its own code considered."""
    for hook in _names_of(schema, VALIDATES_SCHEMA):
        said = noted(said, _CHECKS.format(hook))
    if schema._hooks.get(POST_LOAD):
        said = noted(said, _LAST_WORD)
    if not (schema._hooks.get(PRE_LOAD) or _loads_otherwise(schema)):
        return said
    return {**noted({"type": "object"}, PREPARES), NOTES: {"rules": [PREPARES], "prepared": said}}


def _checked(schema: Schema, name: str, said: dict[str, Any], shown: bool) -> dict[str, Any]:
    """A field with what methods of its schema check."""
    if shown:
        return said
    hooks = [
        hook[0]
        for hook in schema._hooks.get(VALIDATES, ())
        if name in hook[2].get("field_names", ())
    ]
    return noted(said, *(f"A rule of the schema's own, {hook}." for hook in hooks))


def _loads_otherwise(schema: Schema) -> bool:
    """Whether a method of the user's stands in the place of one of marshmallow's."""
    try:
        check_schema(schema)
        check_no_override(schema)
    except Uncompiled:
        return True
    return False


def _names_of(schema: Schema, tag: str) -> list[str]:
    return [hook[0] for hook in schema._hooks.get(tag, ())]


def _data_key(name: str, field: fields.Field[Any]) -> str:
    return name if field.data_key is None else field.data_key


def _fields_of(schema: Schema) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(schema.load_fields), frozenset(schema.dump_fields)


def _partial_of(schema: Schema, given: Any) -> _Partial:
    """What may be missing of a schema's fields: what is given says it, else the schema."""
    partial = schema.partial if given is None else given
    return partial if partial is None or isinstance(partial, bool) else frozenset(partial)


def _may_lack(partial: _Partial, name: str) -> bool:
    return partial is True or (isinstance(partial, frozenset) and name in partial)


def _inside(partial: _Partial, name: str) -> _Partial:
    """What may be missing inside of a field."""
    if not isinstance(partial, frozenset):
        return partial
    prefix = f"{name}."
    return frozenset(each[len(prefix) :] for each in partial if each.startswith(prefix))
