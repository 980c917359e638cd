"""How msgspec decodes the values in a jsonb column: as they are dumped again."""

from collections.abc import Callable, Iterable
from math import isqrt
from typing import Annotated, Any, cast

from marshmallow import Schema, fields
from msgspec import UNSET, Meta, Raw, UnsetType, defstruct

from ingest.resources.as_sent import DUMPED_TEXTS, SENT_TEXTS
from ingest.validation.engine.record_columns import PLAIN_UUID_TEXT
from ingest.validation.engine.record_json import TEXTS
from ingest.validation.engine.source import Uncompiled
from ingest.validation.engine.typed.checks import (
    both,
    check_of,
    each_of,
    flat,
    loaded_check,
    matches,
    members_check,
    number_check,
)
from ingest.validation.engine.typed.rewriting import (
    rewrite_each,
    rewrite_members,
    rewrite_moment,
    rewrite_values,
)
from ingest.validation.engine.typed.scalars import SCALARS, TypedValue, double, identifier, text
from ingest.validation.engine.values import compiled_class

_LIST = frozenset({list})


def typed_part(field: fields.Field[Any], most: int) -> TypedValue:
    """A value in a jsonb column; what is asked of its texts is in its check.

    Args:
        most: the most values that it may hold, itself included.
    """
    if most < 1:
        raise Uncompiled("too many values")
    kind = compiled_class(field)
    if kind in TEXTS:
        found = text(field)
        return TypedValue(found.type, check=found.check)
    if kind is fields.Float:
        found = double(cast(fields.Float, field))
        return TypedValue(Raw, check=number_check(found.check, null=bool(field.allow_none)))
    if kind in (fields.Integer, fields.Boolean):
        return SCALARS[kind](field)
    if kind is fields.UUID:
        found = identifier(cast(fields.UUID, field))
        return TypedValue(found.type, check=both(matches(PLAIN_UUID_TEXT), found.check))
    if kind is fields.Date:
        return TypedValue(str, check=both(matches(DUMPED_TEXTS[kind]), loaded_check(field, kind)))
    if kind in SENT_TEXTS:
        check = both(matches(SENT_TEXTS[kind]), loaded_check(field, kind))
        return TypedValue(str, check=check, rewrite=rewrite_moment(kind))
    if kind not in _CONTAINERS:
        raise Uncompiled(f"{kind.__name__} is stored in another form than it is sent in")
    return _CONTAINERS[kind](field, most)


def _list(field: fields.List[Any], most: int) -> TypedValue:
    each, inner = _members_of(field.inner, most)
    kind = _sized(list[_nullable(field.inner, inner.type)], each)  # type: ignore[misc]
    check = both(each_of(inner.check), check_of(field, flat(field.validators), _LIST))
    return TypedValue(kind, check=check, rewrite=rewrite_each(inner.rewrite))


def _dict(field: fields.Dict, most: int) -> TypedValue:
    if not field.key_field or not field.value_field:
        raise Uncompiled("a dict of anything")
    each, value = _members_of(field.value_field, most)
    key = typed_part(field.key_field, 1)
    pair: Any = (key.type, _nullable(field.value_field, value.type))
    kind = _sized(dict[pair], each)  # type: ignore[misc]
    inside = both(each_of(key.check), each_of(value.check, dict.values))
    check = both(inside, check_of(field, flat(field.validators), frozenset({dict})))
    return TypedValue(kind, check=check, rewrite=rewrite_values(value.rewrite))


def _nested(field: fields.Nested, most: int) -> TypedValue:
    if field.schema.partial or bool(field.many) != bool(field.schema.many):
        raise Uncompiled("a nested schema with options of its own")
    if not field.many:
        if field.validators:
            raise Uncompiled("a rule of a nested object")
        return _object(field.schema, most)
    count = isqrt(most - 1)
    inner = _object(field.schema, count)
    kind = _sized(list[inner.type], count)  # type: ignore[name-defined]
    check = both(each_of(inner.check), check_of(field, flat(field.validators), _LIST))
    return TypedValue(kind, check=check, rewrite=rewrite_each(inner.rewrite))


def _object(schema: Schema, most: int) -> TypedValue:
    members, checks, rewrites = [], [], []
    for number, (name, field) in enumerate(schema.load_fields.items()):
        value = typed_part(field, (most - 1) // len(schema.load_fields))
        members.append((f"m{number}", name, _nullable(field, value.type), field.required))
        if value.check:
            checks.append((f"m{number}", value.check))
        if value.rewrite:
            rewrites.append((f"m{number}", value.rewrite))
    kind = define_object(type(schema).__name__, members)
    return TypedValue(kind, check=members_check(checks), rewrite=rewrite_members(rewrites))


def _members_of(field: fields.Field[Any], most: int) -> tuple[int, TypedValue]:
    """How many members a container of at most so many values may have, and what each of them is."""
    if compiled_class(field) not in _CONTAINERS:
        return most - 1, typed_part(field, 1)
    count = isqrt(most - 1)
    return count, typed_part(field, count)


def _sized(kind: Any, most: int) -> Any:
    return Annotated[kind, Meta(max_length=most)]


def _nullable(field: fields.Field[Any], kind: Any) -> Any:
    return kind | None if field.allow_none and kind is not Raw else kind


_CONTAINERS: dict[type, Callable[[Any, int], TypedValue]] = {
    fields.Dict: _dict,
    fields.List: _list,
    fields.Nested: _nested,
}


def levels_of(field: fields.Field[Any]) -> int:
    """How deep arrays and objects nest in the values of a field that is typed."""
    match field:
        case fields.Nested():
            inside = map(levels_of, field.schema.load_fields.values())
            return 1 + bool(field.many) + max(inside, default=0)
        case fields.List():
            return 1 + levels_of(field.inner)
        case fields.Dict():
            return 1 + levels_of(cast(Any, field.value_field))
        case _:
            return 0


def define_object(name: str, members: Iterable[tuple[str, str, Any, bool]]) -> Any:
    """The type of an object that has these members and no others.

    Args:
        members: the attribute, name in JSON, type and whether it must be there, of each.
    """
    needed: list[Any] = []
    other: list[Any] = []
    names = {}
    for attribute, shown, kind, required in members:
        names[attribute] = shown
        if required:
            needed.append((attribute, kind))
        else:
            other.append((attribute, kind | UnsetType, UNSET))
    try:
        return defstruct(name, needed + other, rename=names, forbid_unknown_fields=True, gc=False)
    except (TypeError, ValueError) as error:
        raise Uncompiled(f"msgspec has no such object: {error}") from error
