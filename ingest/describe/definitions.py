"""Schemas, the one of a resource and those nested in it, as objects of JSON Schema."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from marshmallow import INCLUDE, RAISE, Schema, fields, missing
from marshmallow.decorators import VALIDATES

from ingest.describe.fields import (
    Place,
    described,
    is_many,
    key_property,
    never_null,
    property_of,
)
from ingest.describe.notes import noted
from ingest.describe.own_code import ANYTHING, SHOWS, Part, changes, sees_lists, sent, shows
from ingest.resources.resource import META, Resource
from ingest.resources.shapes import shape_of

MATCHING = "With `matching`, that field stands for the key."
_MADE = "Made by the service where an item has none."
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
        said = self._object(schema, partial, schema.unknown, key=resource.key.name)
        if self.shown:
            return self._with_shown_key(resource, said)
        said = self._with_sent_key(resource, said, patch=patch)
        return sent(schema, Part.OBJECT, said, {"type": "object"})

    def nested(self, field: fields.Nested, place: Place) -> dict[str, Any]:
        """What a nested schema takes or shows: one object, or a list of them."""
        return self._one_or_many(field, lambda part: self._reference(field, place, part))

    def plucked(self, field: fields.Pluck, place: Place) -> dict[str, Any]:
        """The one field of a nested schema that stands for it, or a list of such."""
        return self._one_or_many(field, lambda part: self._plucked(field, place, part))

    def _one_or_many(
        self, field: fields.Nested, one: Callable[[Part], dict[str, Any]]
    ) -> dict[str, Any]:
        if not is_many(field):
            return one(Part.OBJECT)
        said = {"type": "array", "items": one(Part.ELEMENT)}
        return self._with_own_code(field.schema, Part.LIST, said)

    def _reference(self, field: fields.Nested, place: Place, part: Part) -> dict[str, Any]:
        """A reference to the definition of a nested schema."""
        schema = field.schema
        partial = _partial_of(schema, place.partial)
        unknown = field.unknown or schema.unknown
        listed = part is Part.ELEMENT and sees_lists(schema)
        same = (shape_of(schema), unknown, partial, listed)
        if same not in self._names:
            name = self._names[same] = self._free_name(type(schema).__name__)
            self.found[name] = {}
            said = self._object(schema, partial, unknown)
            self.found[name] = self._with_own_code(schema, part, said)
        return {"$ref": f"#/$defs/{self._names[same]}"}

    def _plucked(self, field: fields.Pluck, place: Place, part: Part) -> dict[str, Any]:
        schema, inner = field.schema, field.schema.fields[field.field_name]
        if not self.shown and field.field_name not in schema.load_fields:
            return self._with_own_code(schema, part, _not_loaded(field, part))
        # Alone, it is null where the field outside may be null.
        if part is Part.OBJECT and not self.shown:
            inner = never_null(inner)
        said = described(inner, place.inside())
        said = _checked(schema, field.field_name, said, self.shown)
        return self._with_own_code(schema, part, said)

    def _with_own_code(self, schema: Schema, part: Part, said: dict[str, Any]) -> dict[str, Any]:
        """What is said of a part of a nested value, the code of its schema considered."""
        if not self.shown:
            return sent(schema, part, said, _BEFORE[part])
        return noted({}, SHOWS) if shows(schema, part) else said

    def _free_name(self, wanted: str) -> str:
        base = "".join(each if each.isascii() and each.isalnum() else "_" for each in wanted)
        name, number = base, 2
        while name in self.found:
            name, number = f"{base}{number}", number + 1
        return name

    def _object(
        self, schema: Schema, partial: _Partial, unknown: str, key: str | None = None
    ) -> dict[str, Any]:
        """What the fields of a schema say; its own code is for the caller to see to.

        Args:
            key: of a resource, the name of its key.
        """
        declared = schema.dump_fields if self.shown else schema.load_fields
        properties: dict[str, Any] = {}
        required = []
        for name, each in declared.items():
            place = Place(self.shown, key is not None, _inside(partial, name), self)
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
        if self.shown or unknown != INCLUDE:
            return said
        return noted(said, *_rules_of_kept(schema, key))

    def _with_shown_key(self, resource: Resource, said: dict[str, Any]) -> dict[str, Any]:
        if shows(resource.schema, Part.OBJECT):
            said = noted({"type": "object"}, SHOWS)
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
        has_default = key.field.load_default not in (missing, None)
        if patch or resource.own_key:
            others = {n: each for n, each in properties.items() if n != key.data_key}
            properties = {key.data_key: self.key(resource), **others}
        elif not key.field.dump_only:
            properties[key.data_key] = self.key(resource, default=has_default)
        elif said["additionalProperties"]:
            properties = {key.data_key: False, **properties}
        if resource.server_key and properties.get(key.data_key) and not patch:
            properties[key.data_key] = {"description": _MADE, **properties[key.data_key]}
        if patch or not (resource.server_key or has_default):
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
_BEFORE: dict[Part, dict[str, Any]] = {
    Part.OBJECT: {"type": ANYTHING},
    Part.LIST: {"type": "array"},
    Part.ELEMENT: {},
}
"""What marshmallow asks of a value before code of the user's sees it."""


def _not_loaded(field: fields.Pluck, part: Part) -> dict[str, Any]:
    """What is taken for a field that is only shown: what stays where the field looks for it."""
    schema, name = field.schema, field.field_name
    inner = schema.fields[name]
    kept = (field.unknown or schema.unknown) == INCLUDE
    if kept and _data_key(name, inner) == (inner.attribute or name):
        return noted({}, "It is kept as it is sent, and must be fit to be shown.")
    return {} if changes(schema, part) or shows(schema, part) else {"not": {}}


def _checked(schema: Schema, name: str, said: dict[str, Any], shown: bool) -> dict[str, Any]:
    """A field with what methods of its schema check."""
    if shown:
        return said
    hooks = [hook for hook, checked in _checks(schema) if checked == name]
    return noted(said, *(f"A rule of the schema's own, {hook}." for hook in hooks))


def _rules_of_kept(schema: Schema, key: str | None) -> Iterator[str]:
    """What holds of names that a schema does not load, but keeps where a field looks for its value.

    These are of fields that are only shown, or that have another name in JSON.
    """
    loaded = {_data_key(name, each) for name, each in schema.load_fields.items()}
    kept = {
        name: where
        for name, each in schema.fields.items()
        if (where := each.attribute or name) not in loaded and name != key
    }
    for name, where in kept.items():
        if name in schema.dump_fields:
            shown = _data_key(name, schema.fields[name])
            yield f"{where} is kept as it is sent, shown as {shown}, and must be fit for that."
    for hook, name in _checks(schema):
        if name in kept:
            yield f"A rule of the schema's own, {hook}, where there is {kept[name]}."


def _checks(schema: Schema) -> Iterator[tuple[str, str]]:
    """Each method that checks a field, and that field's name."""
    for hook, _, options in schema._hooks.get(VALIDATES, ()):
        for name in options.get("field_names", ()):
            yield hook, name


def _data_key(name: str, field: fields.Field[Any]) -> str:
    return name if field.data_key is None else field.data_key


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
