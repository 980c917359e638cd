"""Fields of one value: strings, numbers, booleans, identifiers, enumerations, dates and times.

Each writer changes the variable from the raw value, never None, to the loaded one, and returns
the classes that this can have. Only values of exactly the built-in classes are taken; whatever
else a field accepts (subclasses, bytes, numpy's numbers) is left to marshmallow.
"""

import datetime as dt
import decimal
import email.utils
import ipaddress
import uuid
import zoneinfo
from collections.abc import Callable
from enum import Enum, EnumMeta
from typing import Any

from marshmallow import fields, missing, utils

from ingest.validation.engine.known import SCALARS, field_class
from ingest.validation.engine.source import Source, Uncompiled
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
_TIMESTAMP_INPUT = frozenset({int, float, str})
_DURATION_INPUT = frozenset({int, float, str, bool})
_TIME_ZONES = (dt.timezone, zoneinfo.ZoneInfo)
_TEXT_PARSERS: tuple[Any, ...] = (
    dt.datetime.fromisoformat,
    dt.date.fromisoformat,
    dt.time.fromisoformat,
    email.utils.parsedate_to_datetime,
)
_TIMESTAMP_PARSERS: tuple[Any, ...] = (utils.from_timestamp, utils.from_timestamp_ms)


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
    sets = (field.truthy, field.falsy)
    if not all(type(each) in (set, frozenset) for each in sets) or not all(
        type(value) in _KEYS for each in sets for value in each
    ):
        raise Uncompiled("truthy or falsy values of the user's own classes")
    meanings = {**dict.fromkeys(field.falsy, False), **dict.fromkeys(field.truthy, True)}
    if meanings.get(True) is not True or meanings.get(False) is not False:
        raise Uncompiled("a meaning of True or False of the user's own")
    with source.block(f"if {var} is not True and {var} is not False:"):
        source.fall_back_if(f"type({var}) not in {source.bind('boolean_input', _KEYS)}")
        source.line(f"{var} = {source.bind('meanings', meanings)}[{var}]")
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
    table = _by_value(enum) if field.by_value else dict(enum.__members__)
    kind = field_class(field.field, _ENUM_VALUES)
    own = source.bind("enumeration", enum)
    with source.block(f"if type({var}) is not {own}:"):
        if kind is fields.Raw:
            source.fall_back_if(f"type({var}) not in {source.bind('enum_input', _KEYS)}")
        elif not write_scalar(source, field.field, kind, var) <= SCALARS:
            raise Uncompiled("an enumeration by values that are not plain")
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


def _parse(
    source: Source, field: Any, var: str, loaded: tuple[type, ...], part: str = ""
) -> Classes:
    """Write the parsing of the field's format; values that are loaded already stay."""
    data_format = field.format or field.DEFAULT_FORMAT
    if type(data_format) is not str:
        raise Uncompiled("a format that is no plain string")
    if vars(field).keys() & {"DESERIALIZATION_FUNCS", "OBJ_TYPE"}:
        raise Uncompiled("formats of the field object's own")
    parser = field.DESERIALIZATION_FUNCS.get(data_format)
    inputs = source.bind("timestamp_input", _TIMESTAMP_INPUT)
    taken = f"type({var}) is str"
    if parser is None:
        made = f"{source.bind('strptime', dt.datetime.strptime)}({var}, {data_format!a}){part}"
    elif parser in _TEXT_PARSERS:
        made = f"{source.bind('parse', parser)}({var})"
    elif parser in _TIMESTAMP_PARSERS:
        made = f"{source.bind('parse', parser)}({var})"
        taken = f"type({var}) in {inputs}"
    else:
        raise Uncompiled(f"the format {data_format!r} is not marshmallow's")
    with source.block(f"if {taken}:"):
        source.line(f"{var} = {made}")
    classes = " and ".join(f"type({var}) is not {source.bind('loaded', each)}" for each in loaded)
    with source.block("else:"):
        source.fall_back_if(classes)
    return frozenset(loaded)


def _datetime(source: Source, field: fields.DateTime, var: str) -> Classes:
    return _parse(source, field, var, (dt.datetime,))


def _naive(source: Source, field: fields.NaiveDateTime, var: str) -> Classes:
    classes = _datetime(source, field, var)
    if field.timezone is None:
        source.fall_back_if(f"{var}.tzinfo is not None")
    else:
        zone = _zone(source, field.timezone)
        aware = source.bind("is_aware", utils.is_aware)
        with source.block(f"if {aware}({var}):"):
            source.line(f"{var} = {var}.astimezone({zone}).replace(tzinfo=None)")
    return classes


def _aware(source: Source, field: fields.AwareDateTime, var: str) -> Classes:
    classes = _datetime(source, field, var)
    if field.default_timezone is None:
        source.fall_back_if(f"{var}.tzinfo is None or {var}.utcoffset() is None")
    else:
        zone = _zone(source, field.default_timezone)
        with source.block(f"if {var}.tzinfo is None or {var}.utcoffset() is None:"):
            source.line(f"{var} = {var}.replace(tzinfo={zone})")
    return classes


def _zone(source: Source, zone: Any) -> str:
    if type(zone) not in _TIME_ZONES:
        raise Uncompiled("a time zone of another library")
    return source.bind("zone", zone)


def _date(source: Source, field: fields.Date, var: str) -> Classes:
    return _parse(source, field, var, (dt.date, dt.datetime), ".date()")


def _time(source: Source, field: fields.Time, var: str) -> Classes:
    return _parse(source, field, var, (dt.time,), ".time()")


def _duration(source: Source, field: fields.TimeDelta, var: str) -> Classes:
    if field.precision not in fields.TimeDelta._unit_to_microseconds_mapping:
        raise Uncompiled("a unit of time of the user's own")
    make = source.bind("timedelta", dt.timedelta)
    inputs = source.bind("duration_input", _DURATION_INPUT)
    with source.block(f"if type({var}) in {inputs}:"):
        source.line(f"{var} = {make}(**{{{field.precision!a}: float({var})}})")
    with source.block("else:"):
        source.fall_back_if(f"type({var}) is not {make}")
    return frozenset({dt.timedelta})


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
    fields.AwareDateTime: _aware,
    fields.Date: _date,
    fields.DateTime: _datetime,
    fields.NaiveDateTime: _naive,
    fields.Time: _time,
    fields.TimeDelta: _duration,
}
SCALAR_FIELDS = frozenset(_WRITERS)
_ENUM_VALUES = SCALAR_FIELDS - {fields.Constant, fields.Enum} | {fields.Raw}
