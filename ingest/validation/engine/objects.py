"""What `Schema.load` does to one object: its fields in order, then the unknown keys."""

import uuid
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from marshmallow import EXCLUDE, INCLUDE, Schema, fields, missing, utils

from ingest.validation.engine.known import check_schema, has_load_hooks
from ingest.validation.engine.partial import below, check_partial, excuses
from ingest.validation.engine.source import Source, Uncompiled
from ingest.validation.engine.validators import Classes
from ingest.validation.engine.values import TAKE_ANYTHING, Scope, compiled_class, write_value

_FACTORIES: tuple[Any, ...] = (bool, dict, float, int, list, set, str, tuple, uuid.uuid4)
"""Defaults that are called where the user's own code is not: nobody can tell how often."""
_NESTED_AT_MOST = 2
"""How often a schema is written out inside itself."""


@dataclass(frozen=True, slots=True)
class LoadField:
    """One field of a schema on its way through the generated function."""

    name: str
    field: fields.Field[Any]
    excused: bool
    """It may be missing, whatever it says itself."""
    partial: Any
    """What it hands on to nested schemas."""

    @property
    def key(self) -> str:
        return self.name if self.field.data_key is None else self.field.data_key

    @property
    def target(self) -> str:
        return self.field.attribute or self.name

    @property
    def required(self) -> bool:
        """Whether the item is refused without it."""
        return bool(self.field.required) and not self.excused and not self._constant

    @property
    def default(self) -> Any:
        return missing if self.excused else self.field.load_default

    @property
    def _constant(self) -> bool:
        return isinstance(self.field, fields.Constant)


def load_fields(schema: Schema, partial: Any) -> Iterator[LoadField]:
    """The fields that take part in a load with the effective `partial`."""
    check_partial(partial)
    for name, field in schema.load_fields.items():
        yield LoadField(name, field, excuses(partial, name), below(partial, name))


def write_object(scope: Scope, schema: Schema, unknown: str, data: str, out: str) -> None:
    """Write the load of the raw object in `data` into the new object `out`.

    Raises:
        Uncompiled: a part of it is marshmallow's to do; the message begins with the field.
    """
    source = scope.source
    unknown_keys = UnknownKeys(source, schema, unknown, data)
    start_object(source, schema, unknown_keys, data, out)
    for each in load_fields(schema, scope.partial):
        var = source.fresh("value")
        try:
            write_early(scope, each, data, var, unknown_keys, assign_to=out)
        except Uncompiled as left:
            raise Uncompiled(f"{each.name}: {left}") from None
    unknown_keys.write_check()
    unknown_keys.write_copy(out)


def start_object(
    source: Source, schema: Schema, unknown_keys: "UnknownKeys", data: str, out: str
) -> None:
    """Write what comes before the first field."""
    source.refuse_if(f"type({data}) is not dict")
    if schema.dict_class is OrderedDict:
        source.line(f"{out} = {source.bind('OrderedDict', OrderedDict)}()")
    else:
        source.line(f"{out} = {{}}")
    unknown_keys.write_start()


def write_early(
    scope: Scope,
    each: LoadField,
    data: str,
    var: str,
    unknown_keys: "UnknownKeys",
    *,
    assign_to: str | None,
    put_off: list[Any] | None = None,
) -> None:
    """Write the load of one field into `var`, calling no code of the user's.

    Args:
        scope: where the object stands.
        each: the field.
        data: the variable with the raw object.
        var: left `missing` where the field is absent and has no plain default.
        unknown_keys: hears of absent fields.
        assign_to: the new object; None where that is written later.
        put_off: takes validators of the user's own.
    """
    source = scope.source
    if len(scope.schemas) == 1:
        source.begin_field()
    kind = compiled_class(each.field)
    source.comment(kind.__name__, each.key)
    inner = replace(scope, partial=each.partial)
    if each.required:
        source.line(f"{var} = {data}[{each.key!a}]")
        if kind in TAKE_ANYTHING:
            source.refuse_if(f"{var} is {_missing(source)}")
        write_value(inner, each.field, var, put_off)
        _assign(source, assign_to, each.target, var)
        return
    has_default = each.default is not missing and not calls_user(each.default)
    if calls_user(each.default) and put_off is None:
        raise Uncompiled("its load_default is a function of the user's own")
    source.line(f"{var} = {data}.get({each.key!a}, {_missing(source)})")
    with source.block(f"if {var} is {_missing(source)}:"):
        unknown_keys.write_absent()
        if has_default:
            source.line(f"{var} = {_default(source, each.default)}")
    with source.block("else:"):
        write_value(inner, each.field, var, put_off)
        if not has_default:
            _assign(source, assign_to, each.target, var)
    if has_default:
        _assign(source, assign_to, each.target, var)


def calls_user(default: Any) -> bool:
    """Whether a `load_default` is a function that the user may see being called."""
    return callable(default) and not any(default is each for each in _FACTORIES)


def _default(source: Source, default: Any) -> str:
    if callable(default):
        return f"{source.bind('factory', default)}()"
    return source.constant(default)


def _missing(source: Source) -> str:
    return source.bind("MISSING", missing)


def _assign(source: Source, out: str | None, target: str, var: str) -> None:
    if out is not None:
        write_assignment(source, out, target, var)


def write_assignment(source: Source, out: str, target: str, var: str) -> None:
    """Write marshmallow's `set_value`: a target with dots is a path."""
    if "." in target:
        source.line(f"{source.bind('set_value', utils.set_value)}({out}, {target!a}, {var})")
    else:
        source.line(f"{out}[{target!a}] = {var}")


class UnknownKeys:
    """What a schema does with keys that are no field's.

    Counting the fields that are absent tells whether there are any, at next to no cost.
    """

    def __init__(self, source: Source, schema: Schema, unknown: str, data: str) -> None:
        names = (
            name if field.data_key is None else field.data_key
            for name, field in schema.load_fields.items()
        )
        self._source = source
        self._keys = set(names)  # as marshmallow makes it: the order of a difference may depend
        self._unknown = unknown
        self._data = data
        self.counted = unknown != EXCLUDE and len(self._keys) == len(schema.load_fields)
        self._absent = source.fresh("absent")

    def write_start(self) -> None:
        if self.counted:
            self._source.line(f"{self._absent} = 0")

    def write_absent(self) -> None:
        if self.counted:
            self._source.line(f"{self._absent} += 1")

    def write_check(self) -> None:
        """Refuse unknown keys where the schema does."""
        if self._unknown not in (EXCLUDE, INCLUDE):
            self._source.refuse_if(self._condition())

    def write_copy(self, out: str) -> None:
        """Copy unknown keys where the schema does, in marshmallow's order: that of a set."""
        if self._unknown == INCLUDE:
            keys = self._source.bind("keys", self._keys)
            key = self._source.fresh("key")
            with (
                self._source.block(f"if {self._condition()}:"),
                self._source.block(f"for {key} in set({self._data}) - {keys}:"),
            ):
                self._source.line(f"{out}[{key}] = {self._data}[{key}]")

    def _condition(self) -> str:
        if self.counted:
            return f"len({self._data}) + {self._absent} != {len(self._keys)}"
        return f"not {self._source.bind('keys', self._keys)}.issuperset({self._data})"


def write_nested(scope: Scope, field: fields.Nested, var: str) -> Classes:
    """Write the load of a nested schema; a `Pluck` puts its value in an object first."""
    scope.source.check_length()
    schema = _nested_schema(field)
    if scope.schemas.count(type(schema)) >= _NESTED_AT_MOST:
        raise Uncompiled(f"the schema {type(schema).__name__} contains itself")
    check_schema(schema)
    if has_load_hooks(schema):
        raise Uncompiled("the nested schema has hooks")
    plucked = _plucked_key(field) if isinstance(field, fields.Pluck) else None
    unknown = schema.unknown if field.unknown is None else field.unknown
    if unknown not in ("raise", "include", "exclude"):
        raise Uncompiled("its unknown is none of RAISE, INCLUDE and EXCLUDE")
    inner = replace(
        scope,
        partial=schema.partial if scope.partial is None else scope.partial,
        schemas=(*scope.schemas, type(schema)),
    )
    if (field.many or plucked is not None) and bool(field.many) != bool(schema.many):
        raise Uncompiled("the field and its schema disagree about many")
    write = write_many if schema.many else _write_one
    return write(inner, schema, unknown, var, plucked)


def _nested_schema(field: fields.Nested) -> Schema:
    try:
        return field.schema
    except Exception as error:  # noqa: BLE001 - whatever it is, marshmallow will raise it
        raise Uncompiled(f"its schema cannot be found ({type(error).__name__})") from None


def _plucked_key(field: fields.Pluck) -> str:
    try:
        key = field._field_data_key
    except KeyError:
        key = None
    if type(key) is not str:
        raise Uncompiled("a plucked field that is not there")
    return key


def _write_one(
    scope: Scope, schema: Schema, unknown: str, var: str, plucked: str | None = None
) -> Classes:
    raw, out = var, scope.source.fresh("out")
    if plucked is not None:
        raw = scope.source.fresh("raw")
        scope.source.line(f"{raw} = {{{plucked!a}: {var}}}")
    write_object(scope, schema, unknown, raw, out)
    scope.source.line(f"{var} = {out}")
    return frozenset({schema.dict_class})


def write_many(
    scope: Scope, schema: Schema, unknown: str, var: str, plucked: str | None = None
) -> Classes:
    """Write the load of a list of raw objects into a list of new ones."""
    source = scope.source
    source.refuse_if(f"type({var}) is not list")
    many, each = source.fresh("many"), source.fresh("each")
    source.line(f"{many} = []")
    with source.block(f"for {each} in {var}:"):
        _write_one(scope, schema, unknown, each, plucked)
        source.line(f"{many}.append({each})")
    source.line(f"{var} = {many}")
    return frozenset({list})
