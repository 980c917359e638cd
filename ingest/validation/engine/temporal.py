"""Dates, times and durations."""

import datetime as dt
import email.utils
import zoneinfo
from collections.abc import Callable
from typing import Any

from marshmallow import fields, utils

from ingest.validation.engine.source import Source, Uncompiled
from ingest.validation.engine.validators import Classes

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


TEMPORAL: dict[type, Callable[[Source, Any, str], Classes]] = {
    fields.AwareDateTime: _aware,
    fields.Date: _date,
    fields.DateTime: _datetime,
    fields.NaiveDateTime: _naive,
    fields.Time: _time,
    fields.TimeDelta: _duration,
}
