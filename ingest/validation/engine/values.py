"""What `Field.deserialize` does to a value that is there, for every field that can be compiled."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

from marshmallow import fields

from ingest.validation.engine.known import SCALARS, field_class
from ingest.validation.engine.scalars import SCALAR_FIELDS, write_scalar
from ingest.validation.engine.source import Source, Uncompiled
from ingest.validation.engine.validators import Classes, describe, inline

_NESTED = frozenset({fields.Nested, fields.Pluck})
# These say nothing about the value they are given, so None and `missing` must be ruled out first.
TAKE_ANYTHING = frozenset({fields.Constant, fields.Enum, fields.Pluck, fields.Raw, fields.Field})


def compiled_class(field: fields.Field[Any]) -> type:
    """The marshmallow class that `field` is compiled as.

    Raises:
        Uncompiled: there is none.
    """
    return field_class(field, _COMPILED)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a value stands."""

    source: Source
    partial: Any
    """What `deserialize` is given as `partial`; None where it is given none."""
    schemas: tuple[type, ...]
    """The classes of the schemas around it, the outermost first."""
    write_nested: Callable[["Scope", fields.Nested, str], Classes]
    """Writes the load of a nested schema; it is in `objects`, which needs this module."""


def require_compiled(field: fields.Field[Any], called: Sequence[Any]) -> None:
    """Raise Uncompiled where a validator or function of a field has to be called."""
    for each in called:
        raise Uncompiled(f"the validator {describe(each)} has to be called")
    for each in field.post_load:
        raise Uncompiled(f"the function {describe(each)} has to be called")


def write_value(scope: Scope, field: fields.Field[Any], var: str) -> list[Any]:
    """Write how `field` changes `var` from the raw value, not `missing`, to the loaded one.

    Returns:
        The validators that are still to be called, before the field's `post_load` functions.

    Raises:
        Uncompiled: marshmallow has to do it.
    """
    kind = compiled_class(field)
    if field.pre_load:
        raise Uncompiled(f"calls {describe(field.pre_load[0])} first")
    if field.post_load and kind is fields.Constant:
        raise Uncompiled(f"calls {describe(field.post_load[0])}")
    present: AbstractContextManager[None] = nullcontext()
    if field.allow_none:
        present = scope.source.block(f"if {var} is not None:")
    elif kind in TAKE_ANYTHING:
        scope.source.fall_back_if(f"{var} is None")
    with present:
        if kind in SCALAR_FIELDS:
            classes = write_scalar(scope.source, field, kind, var)
        elif kind in _NESTED:
            classes = scope.write_nested(scope, cast(fields.Nested, field), var)
        else:
            classes = _WRITERS[kind](scope, field, var)
        called: list[Any] = []
        for validator in field.validators:
            try:
                with scope.source.undone_if_uncompiled():
                    inline(scope.source, validator, var, classes)
            except Uncompiled:
                # A container could be changed by one validator before the next one sees it.
                if kind not in SCALAR_FIELDS or kind is fields.Constant:
                    raise
                called.append(validator)
        return called


def _raw(scope: Scope, field: fields.Field[Any], var: str) -> Classes:
    if not field.validators:
        return frozenset()
    known = scope.source.bind("plain", SCALARS)
    scope.source.fall_back_if(f"type({var}) not in {known}")
    return SCALARS


def write_element(scope: Scope, field: fields.Field[Any], var: str) -> None:
    """Write the deserialization of one of many values, which could even be `missing`."""
    if compiled_class(field) in TAKE_ANYTHING:
        scope.source.fall_back_if(f"{var} is MISSING")
    require_compiled(field, write_value(scope, field, var))


def _list(scope: Scope, field: fields.List[Any], var: str) -> Classes:
    with write_list(scope.source, var) as each:
        write_element(scope, field.inner, each)
    return frozenset({list})


@contextmanager
def write_list(source: Source, var: str) -> Iterator[str]:
    """Write a new list of what the lines inside make of each element of a list."""
    source.fall_back_if(f"type({var}) is not list")
    each, many = source.fresh("each"), source.fresh("many")
    source.line(f"{many} = []")
    with source.block(f"for {each} in {var}:"):
        yield each
        source.line(f"{many}.append({each})")
    source.line(f"{var} = {many}")


def _tuple(scope: Scope, field: fields.Tuple, var: str) -> Classes:
    source = scope.source
    length = vars(field.validate_length).get("equal")
    if length != len(field.tuple_fields):
        raise Uncompiled("a tuple whose length is not that of its fields")
    source.fall_back_if(f"type({var}) is not list and type({var}) is not tuple")
    source.fall_back_if(f"len({var}) != {source.constant(length)}")
    names = [source.fresh("part") for _ in field.tuple_fields]
    if names:
        source.line(f"{', '.join(names)}, = {var}")
    for name, inner in zip(names, field.tuple_fields, strict=True):
        write_element(scope, inner, name)
    source.line(f"{var} = ({', '.join(names)}{',' if names else ''})")
    return frozenset({tuple})


def _dict(scope: Scope, field: fields.Dict, var: str) -> Classes:
    source = scope.source
    source.fall_back_if(f"type({var}) is not dict")
    if not field.key_field and not field.value_field:
        source.line(f"{var} = dict({var})")
        return frozenset({dict})
    made, key, value = source.fresh("made"), source.fresh("key"), source.fresh("value")
    source.line(f"{made} = {{}}")
    with source.block(f"for {key}, {value} in {var}.items():"):
        if field.key_field:
            write_element(scope, field.key_field, key)
        if field.value_field:
            write_element(scope, field.value_field, value)
        source.line(f"{made}[{key}] = {value}")
    source.line(f"{var} = {made}")
    return frozenset({dict})


_WRITERS: dict[type, Callable[[Scope, Any, str], Classes]] = {
    fields.Dict: _dict,
    fields.Field: _raw,
    fields.List: _list,
    fields.Raw: _raw,
    fields.Tuple: _tuple,
}
_COMPILED = SCALAR_FIELDS | _WRITERS.keys() | _NESTED
