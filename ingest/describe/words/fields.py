"""The fields of a collection, nested ones too, each with its rules in words."""

import json
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, fields, missing, validate
from marshmallow.decorators import VALIDATES

from ingest.describe.words.kinds import is_own, kind, many, plucked
from ingest.describe.words.rule import WRONG_TYPE, Rule, shown
from ingest.describe.words.validators import own_rule, rules_of
from ingest.resources.layout import StoredField
from ingest.resources.resource import Resource
from ingest.resources.shapes import shape_of

_UNKNOWN = ("unknown_field",)
_REFUSED = Rule("Other fields are refused.", _UNKNOWN)
_Seen = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow:
    """One field, or what stands for each element of one."""

    path: str
    """Its place in an item, with dots; `*` stands for any index or key."""
    rules: tuple[Rule, ...]
    """The first says what kind of value it is."""
    marks: tuple[str, ...] = ()
    """Words that a reader looks for: key, required, unique, read only, write only."""
    nullable: bool = False
    title: str = ""
    description: str = ""

    @property
    def errors(self) -> frozenset[str]:
        """The names of the errors that its value can have."""
        found = {name for rule in self.rules for name in rule.errors}
        if "required" in self.marks:
            found.add("required")
        return frozenset(found if self.nullable else found | {"null_not_allowed"})


def field_rows(resource: Resource) -> tuple[FieldRow, ...]:
    """The fields of a collection, in the order of its schema."""
    return tuple(
        row
        for stored in resource.fields
        for row in _rows(
            stored.field,
            stored.data_key,
            (*_presence_of_top(resource, stored), *_hooks(resource.schema, stored.name)),
            (type(resource.schema),),
            _marks(resource, stored),
        )
    )


def unknown_rule(schema: Schema, unknown: str | None = None) -> Rule:
    """What becomes of fields that a schema does not have."""
    policy = unknown or schema.unknown
    if policy == RAISE:
        return _REFUSED
    return Rule("Other fields are left out." if policy == EXCLUDE else "Other fields are kept.")


def _marks(resource: Resource, stored: StoredField) -> tuple[str, ...]:
    alone = [group[0] for group in resource.unique if len(group) == 1]
    marks = {
        "key": stored is resource.key,
        "required": _is_required(resource, stored),
        "unique": stored in alone,
        "read only": stored.field.dump_only and stored is not resource.key,
        "write only": stored.field.load_only,
    }
    return tuple(name for name, is_so in marks.items() if is_so)


def _is_required(resource: Resource, stored: StoredField) -> bool:
    if stored is resource.key:
        return not resource.server_key and stored.field.load_default is missing
    return stored.field.required and not stored.field.dump_only


def _presence_of_top(resource: Resource, stored: StoredField) -> Iterator[Rule]:
    if stored is resource.key and resource.server_key:
        if stored.field.dump_only:
            yield Rule("The service makes it; a new item brings none.", _UNKNOWN)
        else:
            yield Rule("The service makes one where a new item brings none.")
    else:
        yield from _presence(stored.field, resource.schema)
    if stored.data_key in resource.selection.hidden:
        yield Rule("Shown only where select names it.")


def _presence(field: fields.Field[Any], schema: Schema) -> Iterator[Rule]:
    """When a field is there, besides what its marks say."""
    if field.dump_only:
        refused = schema.unknown == RAISE
        yield Rule("Shown, and never sent.", _UNKNOWN if refused else ())
        return
    if field.load_default is not missing:
        yield _default(field)
    if field.load_only:
        yield Rule("Never shown.")


def _default(field: fields.Field[Any]) -> Rule:
    default = field.load_default
    if callable(default):
        return Rule("Left out, the collection's own code gives it a value.")
    try:
        text = json.dumps(field._serialize(default, "", {}), ensure_ascii=False)
    except Exception:  # noqa: BLE001 - user code may raise anything, and so may what it returns
        text = str(default)
    return Rule("Left out, it is", (), (shown(text),))


def _hooks(schema: Schema, name: str) -> Iterator[Rule]:
    """The rules that methods of the schema add to a field."""
    for method, _, options in schema._hooks[VALIDATES]:
        if name in options["field_names"]:
            yield own_rule(getattr(schema, method))


def _rows(
    field: fields.Field[Any],
    path: str,
    about: Sequence[Rule],
    seen: _Seen,
    marks: tuple[str, ...] = (),
) -> Iterator[FieldRow]:
    """The row of a field, and those of what is in it.

    Args:
        about: the rules that its place in a schema gives it.
        seen: the schemas that it is in.
    """
    # A value that is plucked stands for the one field of an object.
    one = plucked(field) or field
    rules = [kind(field), *about, *_more(one, seen), *_validators(field)]
    nullable = field.allow_none and not field.dump_only
    if nullable:
        rules.append(Rule("May be null."))
    if one is not field:
        rules += [*_presence_of_plucked(field), *_validators(one)]
    yield FieldRow(
        path=path,
        rules=tuple(dict.fromkeys(rules)),
        marks=marks,
        nullable=nullable or field.dump_only,
        title=_said(field, "title"),
        description=_said(field, "description"),
    )
    yield from _inside(one, path, seen)


def _validators(field: fields.Field[Any]) -> Iterator[Rule]:
    for validator in field.validators:
        # An e-mail address is one by its kind already.
        if not (isinstance(field, fields.Email) and type(validator) is validate.Email):
            yield from rules_of(validator, field)


def _more(field: fields.Field[Any], seen: _Seen) -> Iterator[Rule]:
    """What else there is to say of a field's class."""
    if is_own(field):
        yield Rule("The collection's own code may refuse more.", ("invalid",))
    if isinstance(field, fields.Nested) and not isinstance(field, fields.Pluck) and not many(field):
        yield from _of_object(field, seen)


def _of_object(field: fields.Nested, seen: _Seen) -> Iterator[Rule]:
    """The rules of an object that is nested in an item."""
    if shape_of(field.schema) in seen:
        yield Rule("It has the same fields as the object that it is in.")
    yield unknown_rule(field.schema, field.unknown)


def _presence_of_plucked(field: Any) -> Iterator[Rule]:
    """Of the nested field that the values of a `Pluck` stand for."""
    inner = field.schema.fields[field.field_name]
    if inner.dump_only and (field.unknown or field.schema.unknown) == RAISE:
        yield Rule("It is shown, and never sent.", _UNKNOWN)
    elif not inner.allow_none:
        yield Rule("It is not null where it is plucked.", ("null_not_allowed",))


def _inside(field: fields.Field[Any], path: str, seen: _Seen) -> Iterator[FieldRow]:
    """The rows of what is in a field."""
    if isinstance(field, fields.Pluck):
        inner = field.schema.fields[field.field_name]
        about = [*_presence_of_plucked(field)]
        yield from _rows(inner, f"{path}.*", about, (*seen, shape_of(field.schema)))
    elif isinstance(field, fields.Nested):
        if many(field):
            path = f"{path}.*"
            rules = (Rule("An object.", (WRONG_TYPE,)), *_of_object(field, seen))
            yield FieldRow(path=path, rules=rules, nullable=True)
        if shape_of(field.schema) not in seen:
            yield from _rows_of_schema(field.schema, path, seen)
    elif isinstance(field, fields.List):
        yield from _rows(field.inner, f"{path}.*", (), seen)
    elif isinstance(field, fields.Tuple):
        for place, each in enumerate(field.tuple_fields):
            yield from _rows(each, f"{path}.{place}", (), seen)
    elif isinstance(field, fields.Mapping):
        if field.key_field is not None:
            yield from _rows(field.key_field, f"{path} (keys)", (), seen)
        if field.value_field is not None:
            yield from _rows(field.value_field, f"{path}.*", (), seen)


def _rows_of_schema(schema: Schema, path: str, seen: _Seen) -> Iterator[FieldRow]:
    for name, field in schema.fields.items():
        key = name if field.data_key is None else field.data_key
        about = (*_presence(field, schema), *_hooks(schema, name))
        marks = ("required",) if field.required and not field.dump_only else ()
        yield from _rows(field, f"{path}.{key}", about, (*seen, shape_of(schema)), marks)


def _said(field: fields.Field[Any], name: str) -> str:
    """What a field's metadata says under a name; empty where that is no text."""
    text = field.metadata.get(name)
    return text.strip() if isinstance(text, str) else ""
