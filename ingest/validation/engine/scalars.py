"""Fields of one value: strings, numbers, booleans, identifiers, enumerations.

Each writer changes the variable from the raw value, never None, to the loaded one, and returns
the classes that this can have. Only values of exactly the built-in classes are taken; whatever
else a field accepts (subclasses, bytes, numpy's numbers) is left to marshmallow.
"""

import decimal
import ipaddress
import uuid
from collections.abc import Callable
from enum import Enum, EnumMeta
from typing import Any

from marshmallow import fields, missing

from ingest.validation.engine.known import SCALARS, field_class
from ingest.validation.engine.source import Source, Uncompiled
from ingest.validation.engine.temporal import TEMPORAL
from ingest.validation.engine.validators import Classes

_NUMBER_INPUT = frozenset({int, float, str, bytes, decimal.Decimal})
_KEYS = frozenset({str, bytes, int, float, bool, decimal.Decimal, uuid.UUID})
_INFINITY = float("inf")
_ADDRESS_CLASSES = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
)


def write_scalar(source: Source, field: fields.Field[Any], kind: type, var: str) -> Classes:
    """Write the conversion of a `field` that loads like `kind`, one of SCALAR_FIELDS."""
    return _WRITERS[kind](source, field, var)


def _string(source: Source, field: fields.Field[Any], var: str) -> Classes:
    source.fall_back_if(f"type({var}) is not str")
    return frozenset({str})


def _integer(source: Source, field: fields.Integer, var: str) -> Classes:
    if field.strict:
        source.fall_back_if(f"type({var}) is not int")
        return frozenset({int})
    return _number(source, int, var)


def _float(source: Source, field: fields.Float, var: str) -> Classes:
    classes = _number(source, float, var)
    if field.allow_nan is False:
        infinity = source.bind("infinity", _INFINITY)
        source.fall_back_if(f"not -{infinity} < {var} < {infinity}")
    return classes


def _number(source: Source, kind: type, var: str) -> Classes:
    with source.block(f"if type({var}) is not {kind.__name__}:"):
        source.fall_back_if(f"type({var}) not in {source.bind('number_input', _NUMBER_INPUT)}")
        source.line(f"{var} = {kind.__name__}({var})")
    return frozenset({kind})


def _decimal(source: Source, field: fields.Decimal, var: str) -> Classes:
    inputs = source.bind("number_input", _NUMBER_INPUT)
    make = source.bind("Decimal", decimal.Decimal)
    source.fall_back_if(f"type({var}) not in {inputs}")
    source.line(f"{var} = {make}(str({var}))")
    if field.allow_nan:
        with source.block(f"if {var}.is_nan():"):
            source.line(f"{var} = {make}('NaN')")
    if field.places is not None:
        arguments = source.bind("places", field.places)
        if field.rounding is not None:
            arguments += f", rounding={source.constant(field.rounding)}"
        with source.block(f"if {var}.is_finite():"):
            source.line(f"{var} = {var}.quantize({arguments})")
    if not field.allow_nan:
        source.fall_back_if(f"not {var}.is_finite()")
    return frozenset({decimal.Decimal})


def _boolean(source: Source, field: fields.Boolean, var: str) -> Classes:
    if not all(type(each) in (set, frozenset) for each in (field.truthy, field.falsy)):
        raise Uncompiled("truthy or falsy values that are no set")
    if not field.truthy:
        raise Uncompiled("an empty set of truthy values")
    if not all(type(each) in _KEYS for each in (*field.truthy, *field.falsy)):
        raise Uncompiled("truthy or falsy values of the user's own classes")
    meanings = {**dict.fromkeys(field.falsy, False), **dict.fromkeys(field.truthy, True)}
    inputs = source.bind("boolean_input", _KEYS)
    table = source.bind("meanings", meanings)
    condition = f"if {var} is not True and {var} is not False:"
    if meanings.get(True) is not True or meanings.get(False) is not False:
        condition = "if True:"
    with source.block(condition):
        source.fall_back_if(f"type({var}) not in {inputs}")
        source.line(f"{var} = {table}[{var}]")
    return frozenset({bool})


def _uuid(source: Source, field: fields.UUID, var: str) -> Classes:
    make = source.bind("UUID", uuid.UUID)
    with source.block(f"if type({var}) is str:"):
        source.line(f"{var} = {make}({var})")
    with source.block("else:"):
        source.fall_back_if(f"type({var}) is not {make}")
    return frozenset({uuid.UUID})


def _address(source: Source, field: fields.Field[Any], var: str) -> Classes:
    by_default = ipaddress.ip_address if isinstance(field, fields.IP) else ipaddress.ip_interface
    own = getattr(field, "DESERIALIZATION_CLASS", None)
    if own is not None and own not in _ADDRESS_CLASSES:
        raise Uncompiled("an address class of the user's own")
    make = source.bind("address", own or by_default)
    source.fall_back_if(f"type({var}) is not str")
    source.line(f"{var} = {make}({var})")
    return frozenset(_ADDRESS_CLASSES)


def _enum(source: Source, field: fields.Enum[Any], var: str) -> Classes:
    enum = field.enum
    if type(enum) is not EnumMeta or not issubclass(enum, Enum):
        raise Uncompiled("an enumeration with a metaclass of its own")
    if not field.by_value:
        table: dict[Any, Any] = dict(enum.__members__)
        inputs: Classes = frozenset({str})
        kind: type = fields.String
    else:
        kind = field_class(field.field, _ENUM_VALUES)
        table = _by_value(enum)
        inputs = _KEYS
    own = source.bind("enumeration", enum)
    with source.block(f"if type({var}) is not {own}:"):
        if kind is not fields.Raw:
            inputs = write_scalar(source, field.field, kind, var)
        if not inputs <= SCALARS:
            raise Uncompiled("an enumeration by values that are not plain")
        if kind is fields.Raw:
            source.fall_back_if(f"type({var}) not in {source.bind('enum_input', inputs)}")
        source.line(f"{var} = {source.bind('members', table)}[{var}]")
    return frozenset({enum})


def _by_value(enum: type[Enum]) -> dict[Any, Any]:
    """What `enum(value)` gives for each value of a member; others are left to marshmallow."""
    found = {}
    for member in enum.__members__.values():
        if type(member.value) in SCALARS:
            try:
                found[member.value] = enum(member.value)
            except (TypeError, ValueError) as error:
                raise Uncompiled("an enumeration that does not find its own values") from error
    return found


def _constant(source: Source, field: fields.Constant[Any], var: str) -> Classes:
    if callable(field.constant) or field.constant is missing:
        raise Uncompiled("a constant that can be called")
    source.line(f"{var} = {source.constant(field.constant)}")
    return frozenset({type(field.constant)})


_WRITERS: dict[type, Callable[[Source, Any, str], Classes]] = {
    fields.Boolean: _boolean,
    fields.Constant: _constant,
    fields.Decimal: _decimal,
    fields.Email: _string,
    fields.Enum: _enum,
    fields.Float: _float,
    fields.IP: _address,
    fields.IPInterface: _address,
    fields.IPv4: _address,
    fields.IPv4Interface: _address,
    fields.IPv6: _address,
    fields.IPv6Interface: _address,
    fields.Integer: _integer,
    fields.String: _string,
    fields.UUID: _uuid,
    fields.Url: _string,
    **TEMPORAL,
}
SCALAR_FIELDS = frozenset(_WRITERS)
_ENUM_VALUES = SCALAR_FIELDS - {fields.Constant, fields.Enum} | {fields.Raw}
UNCHANGED = frozenset({fields.Email, fields.String, fields.Url})
"""Fields whose loaded value is the raw one itself (and Integer, where strict)."""
