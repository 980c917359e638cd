"""Columns of Arrow as values of JSON: exact, and in ISO 8601 where JSON has no type for them."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import pyarrow.compute as pc

from ingest.exactjson import load_exact
from ingest.load.errors import LoadError

Values = list[Any]
_Column = Callable[[pa.Array], Values]

_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
"""How many digits of a second a unit has."""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_DAY = {"date32[day]": 1, "date64[ms]": 86_400_000}
_LISTS = (
    *(pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list),
    *(pa.types.is_list_view, pa.types.is_large_list_view),
)


def reader_of(name: str, kind: pa.DataType, *, null_is_absent: bool) -> _Column:
    """What makes values of an array of a type; None stands for null.

    Args:
        name: of the column, with dots where it is part of another.
        null_is_absent: whether an object has no member where it is null.

    Raises:
        LoadError: JSON has no value for the type; the column is named.
    """

    def below(part: str, part_kind: pa.DataType) -> _Column:
        return reader_of(f"{name}.{part}", part_kind, null_is_absent=null_is_absent)

    is_ = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _extension(name, kind, null_is_absent=null_is_absent)
    if is_.is_dictionary(kind):
        read = reader_of(name, kind.value_type, null_is_absent=null_is_absent)
        return lambda array: read(array.dictionary_decode())
    if is_.is_run_end_encoded(kind):
        read = reader_of(name, kind.value_type, null_is_absent=null_is_absent)
        return lambda array: read(pc.run_end_decode(array))
    if is_.is_struct(kind):
        fields = [kind.field(place) for place in range(kind.num_fields)]
        check_names([each.name for each in fields], f"{name}.")
        members = {each.name: below(each.name, each.type) for each in fields}
        return lambda array: objects(array.flatten(), members, array, null_is_absent)
    if is_.is_map(kind):
        return _map(name, kind, below("value", kind.item_type))
    if any(is_list(kind) for is_list in _LISTS):
        elements = below("0", kind.value_type)
        return lambda array: _lists(elements(array.flatten()), pc.list_value_length(array))
    return _scalar(name, kind)


def check_names(names: Sequence[str], before: str = "") -> None:
    """Raise LoadError where two columns have one name."""
    for name, count in Counter(names).items():
        if count > 1:
            raise LoadError(f"two columns are called {before + name!r}")


def objects(
    columns: list[pa.Array],
    members: dict[str, _Column],
    present: pa.Array | None,
    null_is_absent: bool,
) -> Values:
    """An object for each place of some columns.

    Args:
        present: an array that is null where the object is; None where each is there.
    """
    read = [each(column) for each, column in zip(members.values(), columns, strict=True)]
    names = [*members]
    length = len(present) if present is not None else len(read[0]) if read else 0
    rows = zip(*read, strict=True) if read else iter([()] * length)
    found: Values = [
        {
            name: value
            for name, value in zip(names, row, strict=True)
            if value is not None or not null_is_absent
        }
        for row in rows
    ]
    if present is None or not present.null_count:
        return found
    valid = present.is_valid().to_pylist()
    return [each if there else None for each, there in zip(found, valid, strict=True)]


def _extension(name: str, kind: Any, *, null_is_absent: bool) -> _Column:
    if kind.extension_name == "arrow.uuid":
        return lambda array: [_uuid(value) for value in array.storage.to_pylist()]
    if kind.extension_name == "arrow.json":
        return lambda array: [_json(name, value) for value in array.storage.to_pylist()]
    stored = reader_of(name, kind.storage_type, null_is_absent=null_is_absent)
    return lambda array: stored(array.storage)


def _scalar(name: str, kind: pa.DataType) -> _Column:
    is_ = pa.types
    if is_.is_floating(kind):
        return _floats
    if is_.is_date(kind):
        return lambda array: [_date(value, _DAY[str(kind)]) for value in _integers(array)]
    if is_.is_time(kind):
        return lambda array: [_time(value, _DIGITS[kind.unit]) for value in _integers(array)]
    if is_.is_timestamp(kind):
        zone = _zone(name, kind.tz)
        return lambda array: [
            _timestamp(value, _DIGITS[kind.unit], zone) for value in _integers(array)
        ]
    if is_.is_duration(kind):
        return lambda array: [_seconds(value, _DIGITS[kind.unit]) for value in _integers(array)]
    plain = (
        *(is_.is_null, is_.is_boolean, is_.is_integer, is_.is_decimal),
        *(is_.is_string, is_.is_large_string, is_.is_string_view),
    )
    if any(each(kind) for each in plain):
        return lambda array: array.to_pylist()
    if "binary" in str(kind):
        raise LoadError(
            f"the column {name!r} holds bytes, which JSON has no value for: write it as a string "
            "(text as it is, bytes as base64), or leave it out"
        )
    raise LoadError(f"the column {name!r} is of the type {kind}, which JSON has no value for")


def _map(name: str, kind: Any, read: _Column) -> _Column:
    """Objects; keys are texts or whole numbers."""
    if not (pa.types.is_integer(kind.key_type) or "string" in str(kind.key_type)):
        raise LoadError(f"the column {name!r} is a map whose keys are no texts: {kind.key_type}")

    def maps(array: pa.MapArray) -> Values:
        if not len(array):
            return []
        places = array.offsets.to_pylist()
        first, size = places[0], places[-1] - places[0]
        keys = map(str, array.keys.slice(first, size).to_pylist())
        pairs = zip(keys, read(array.items.slice(first, size)), strict=True)
        sizes = (end - start for start, end in pairwise(places))
        found = [dict(islice(pairs, size)) for size in sizes]
        valid = array.is_valid().to_pylist()
        return [each if there else None for each, there in zip(found, valid, strict=True)]

    return maps


def _lists(elements: Values, lengths: pa.Array) -> Values:
    rest = iter(elements)
    return [None if size is None else [*islice(rest, size)] for size in lengths.to_pylist()]


def _integers(array: pa.Array) -> Iterator[int | None]:
    """The numbers behind dates and times."""
    return iter(array.view(f"int{array.type.bit_width}").to_pylist())


def _floats(array: pa.Array) -> Values:
    """Floats of 16 and 32 bits have the shortest digits that mean them; NaN and such are texts."""
    if pa.types.is_float16(array.type):
        array = array.cast(pa.float32())
    if pa.types.is_float32(array.type):
        array = array.cast(pa.string()).cast(pa.float64())
    return [
        value if value is None or value - value == 0 else _NOT_FINITE[str(value)]
        for value in array.to_pylist()
    ]


def _date(days: int | None, unit: int) -> str | None:
    if days is None:
        return None
    try:
        return (_EPOCH + dt.timedelta(days=days // unit)).date().isoformat()
    except OverflowError:
        return f"{days // unit} days after 1970-01-01"


def _time(value: int | None, digits: int) -> str | None:
    if value is None:
        return None
    seconds, rest = divmod(value, 10**digits)
    fraction = f".{rest:0{digits}}" if rest else ""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"


def _timestamp(value: int | None, digits: int, zone: dt.tzinfo | None) -> str | None:
    """In its zone, with its offset; without one where it has no zone."""
    if value is None:
        return None
    seconds, rest = divmod(value, 10**digits)
    fraction = f".{rest:0{digits}}" if rest else ""
    try:
        there = _EPOCH + dt.timedelta(seconds=seconds)
        text = there.replace(tzinfo=None) if zone is None else there.astimezone(zone)
    except OverflowError:
        return f"{seconds} seconds after 1970-01-01"
    shown = text.isoformat()
    return f"{shown[:19]}{fraction}{shown[19:]}"


def _seconds(value: int | None, digits: int) -> int | Decimal | None:
    if value is None or not digits:
        return value
    seconds, rest = divmod(value, 10**digits)
    return Decimal(value).scaleb(-digits) if rest else seconds


def _zone(name: str, zone: str | None) -> dt.tzinfo | None:
    if zone is None:
        return None
    if zone[:1] in "+-":
        return dt.datetime.fromisoformat(f"2000-01-01T00:00:00{zone}").tzinfo
    try:
        return dt.UTC if zone.upper() in ("UTC", "Z") else ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise LoadError(f"the column {name!r} has an unknown time zone, {zone[:50]!r}") from None


def _uuid(value: bytes | None) -> str | None:
    return None if value is None else str(uuid.UUID(bytes=value))


def _json(name: str, value: str | None) -> Any:
    try:
        return None if value is None else load_exact(value.encode())
    except ValueError:
        raise LoadError(f"the column {name!r} holds a text that is no JSON") from None
