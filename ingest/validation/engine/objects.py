"""What `Schema.load` does to one object: its fields in order, then the unknown keys."""

import uuid
from collections import OrderedDict
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from marshmallow import INCLUDE, RAISE, fields, missing, utils

from ingest.validation.engine.known import load_hooks, nested_schema
from ingest.validation.engine.load import Load, LoadField
from ingest.validation.engine.source import Source, Uncompiled
from ingest.validation.engine.validators import Classes
from ingest.validation.engine.values import (
    TAKE_ANYTHING,
    Scope,
    compiled_class,
    require_compiled,
    write_list,
    write_value,
)

_FACTORIES: tuple[Any, ...] = (bool, dict, float, int, list, set, str, tuple, uuid.uuid4)
"""Defaults that run no user code when they are called, so that how often does not show."""
_NESTED_AT_MOST = 2
"""How often a schema is written out inside itself."""


def scope_of(load: Load) -> Scope:
    """The outermost scope of a load, with a new source."""
    kind = type(load.schema)
    return Scope(Source("load", kind.__name__), load.partial, (kind,), write_nested)


def write_object(scope: Scope, load: Load, data: str, out: str) -> None:
    """Write the load of the raw object in `data` into the new object `out`.

    Raises:
        Uncompiled: a part of it is marshmallow's to do; the message begins with the field.
    """
    writer = ObjectWriter(scope, load, data, out)
    for each in writer.fields:
        try:
            if calls_user(each.default):
                raise Uncompiled("its load_default is a function of the user's own")
            called = writer.write_field(each, scope.source.fresh("value"), assign=True)
            require_compiled(each.field, called)
        except Uncompiled as left:
            raise type(left)(f"{each.name}: {left}") from None
    writer.write_unknown_check()
    writer.write_unknown_copy()


class ObjectWriter:
    """Writes the parts of the load of one raw object into a new one.

    Counting the fields that are absent tells whether there are unknown keys, at next to no cost.
    """

    def __init__(self, scope: Scope, load: Load, data: str, out: str) -> None:
        """Write what comes before the first field; `data` and `out` are variables."""
        self.fields = [*load.fields()]
        self._scope, self._source, self._data, self._out = scope, scope.source, data, out
        self._unknown = load.unknown
        # Made as marshmallow makes it: the order of a difference of sets may depend on that.
        self._keys = {each.key for each in self.fields}
        if len(self._keys) != len(self.fields):
            raise Uncompiled("two fields are called the same")
        self._absent = self._source.fresh("absent")
        self._has_unknown = f"len({data}) + {self._absent} != {len(self.fields)}"
        self._source.fall_back_if(f"type({data}) is not dict")
        ordered = load.schema.dict_class is OrderedDict
        made = f"{self._source.bind('OrderedDict', OrderedDict)}()" if ordered else "{}"
        self._source.line(f"{out} = {made}")
        self._source.line(f"{self._absent} = 0")

    def write_field(self, each: LoadField, var: str, *, assign: bool) -> list[Any]:
        """Write the load of one field into `var`, calling no user code.

        `var` is left `missing` where the field is absent and has no plain default.

        Returns:
            The validators that are still to be called, before the field's `post_load` functions.
        """
        source = self._source
        kind = compiled_class(each.field)
        source.line(f"# {each.key!a}: {kind.__name__}")
        has_default = each.default is not missing and not calls_user(each.default)
        present: AbstractContextManager[None] = nullcontext()
        if each.required:
            source.line(f"{var} = {self._data}[{each.key!a}]")
            if kind in TAKE_ANYTHING:
                source.fall_back_if(f"{var} is MISSING")
        else:
            source.line(f"{var} = {self._data}.get({each.key!a}, MISSING)")
            with source.block(f"if {var} is MISSING:"):
                source.line(f"{self._absent} += 1")
                if callable(each.default) and has_default:
                    source.line(f"{var} = {source.bind('factory', each.default)}()")
                elif has_default:
                    source.line(f"{var} = {source.constant(each.default)}")
            present = source.block("else:")
        with present:
            called = write_value(replace(self._scope, partial=each.partial), each.field, var)
            if assign and not has_default:
                write_assignment(source, self._out, each, var)
        if assign and has_default:
            write_assignment(source, self._out, each, var)
        return called

    def write_presence(self, each: LoadField) -> None:
        """Write what counts a field that is loaded later."""
        with self._source.block(f"if {self._data}.get({each.key!a}, MISSING) is MISSING:"):
            self._source.line(f"{self._absent} += 1")

    def write_unknown_check(self) -> None:
        """Fall back on unknown keys where the schema raises."""
        if self._unknown == RAISE:
            self._source.fall_back_if(self._has_unknown)

    def write_unknown_copy(self) -> None:
        """Copy unknown keys where the schema does, in marshmallow's order: that of a set."""
        if self._unknown == INCLUDE:
            keys, key = self._source.bind("keys", self._keys), self._source.fresh("key")
            with (
                self._source.block(f"if {self._has_unknown}:"),
                self._source.block(f"for {key} in set({self._data}) - {keys}:"),
            ):
                self._source.line(f"{self._out}[{key}] = {self._data}[{key}]")


def calls_user(default: Any) -> bool:
    """Whether a `load_default` is a function that the user may see being called."""
    return callable(default) and not any(default is each for each in _FACTORIES)


def write_assignment(source: Source, out: str, each: LoadField, var: str) -> None:
    """Write marshmallow's `set_value`: a target with dots is a path."""
    if "." in each.target:
        source.line(f"{source.bind('set_value', utils.set_value)}({out}, {each.target!a}, {var})")
    else:
        source.line(f"{out}[{each.target!a}] = {var}")


def write_nested(scope: Scope, field: fields.Nested, var: str) -> Classes:
    """Write the load of a nested schema; a `Pluck` puts its value in an object first."""
    scope.source.check_length()
    schema = nested_schema(field)
    if scope.schemas.count(type(schema)) >= _NESTED_AT_MOST:
        raise Uncompiled(f"the schema {type(schema).__name__} contains itself")
    if load_hooks(schema):
        raise Uncompiled("the nested schema has hooks")
    plucked = None
    if isinstance(field, fields.Pluck):
        if field.field_name not in schema.fields or type(field._field_data_key) is not str:
            raise Uncompiled("a plucked field that is not there")
        plucked = field._field_data_key
    load = Load.of(schema, scope.partial, field.unknown)
    if (field.many or plucked is not None) and bool(field.many) != bool(schema.many):
        raise Uncompiled("the field and its schema disagree about many")
    inside = replace(scope, schemas=(*scope.schemas, type(schema)))
    if not schema.many:
        _write_one(inside, load, var, plucked)
        return frozenset({schema.dict_class})
    with write_list(scope.source, var) as each:
        _write_one(inside, load, each, plucked)
    return frozenset({list})


def _write_one(scope: Scope, load: Load, var: str, plucked: str | None) -> None:
    raw, out = var, scope.source.fresh("out")
    if plucked is not None:
        raw = scope.source.fresh("raw")
        scope.source.line(f"{raw} = {{{plucked!a}: {var}}}")
    write_object(scope, load, raw, out)
    scope.source.line(f"{var} = {out}")
