"""Stored items as GET shows them: from a row by column to the names and forms of the schema.

Most schemas show what is stored, and then the database's own JSON goes into the response as it is.
"""

import ipaddress
from collections.abc import Callable
from typing import Any

import orjson
from marshmallow import fields

from ingest.exactjson import load_exact
from ingest.model import Selection
from ingest.resources.columns import READ, ColumnType
from ingest.resources.resource import META, Resource, StoredField

# Fields of exactly these classes show what their column holds.
_PLAIN = {fields.String, fields.Email, fields.Url, fields.Boolean, fields.UUID}


class Presenter:
    """Shows the items of one resource."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._shown = [field for field in resource.fields if field.shown]
        self._serializers = [serializer(field) for field in self._shown]
        self._verbatim = (
            not resource.dumps_whole
            and not any(self._serializers)
            and all(field.column == field.data_key for field in self._shown)
        )

    def item(self, row: bytes, select: Selection) -> Any:
        """One row, read with `select` (a JSON object by column), as `dump_exact` writes it."""
        return orjson.Fragment(row) if self._verbatim else self._show(load_exact(row), select)

    def items(self, rows: bytes, select: Selection) -> Any:
        """A JSON array of rows, read with `select`, as a value that `dump_exact` writes."""
        if self._verbatim:
            return orjson.Fragment(rows)
        return [self._show(row, select) for row in load_exact(rows)]

    def keys(self, rows: bytes) -> list[str]:
        """The keys of a JSON array of rows, as text; of rows that were read without, none."""
        key = self._resource.key
        serialize = self._serializers[self._shown.index(key)]
        values = [row[key.column] for row in load_exact(rows) if key.column in row]
        return [str(serialize(value) if serialize else value) for value in values]

    def _show(self, row: dict[str, Any], select: Selection) -> dict[str, Any]:
        if self._resource.dumps_whole:
            dumped = self._dumped(row)
            shown = {name: dumped[name] for name in dumped if name not in select.hidden}
        else:
            shown = {
                field.data_key: serialize(row[field.column]) if serialize else row[field.column]
                for field, serialize in zip(self._shown, self._serializers, strict=True)
                if field.column in row
            }
        if META in row:
            shown[META] = row[META]
        return shown

    def _dumped(self, row: dict[str, Any]) -> dict[str, Any]:
        loaded = {
            field.source: _loaded(field, row[field.column])
            for field in self._shown
            if field.column in row
        }
        shown: dict[str, Any] = self._resource.schema.dump(loaded)
        key = self._resource.key
        if self._resource.server_key:
            shown = {key.data_key: row[key.column], **shown}
        return shown


def serializer(field: StoredField) -> Callable[[Any], Any] | None:
    """From what the column holds to what GET shows; None where that is the same."""

    def serialize(value: Any) -> Any:
        if value is None:
            return None
        return field.field._serialize(_loaded(field, value), field.name, {})

    return None if _is_plain(field) else serialize


def _is_plain(field: StoredField) -> bool:
    kind = type(field.field)
    if field.type is ColumnType.JSONB or kind in _PLAIN:
        return True
    if kind is fields.Enum:  # its column holds the name
        return not getattr(field.field, "by_value", False)
    if isinstance(field.field, fields.Integer | fields.Float):
        return kind in (fields.Integer, fields.Float) and not field.field.as_string
    return kind is fields.Date and getattr(field.field, "format", None) in (None, "iso", "iso8601")


def _loaded(field: StoredField, value: Any) -> Any:
    """A column's JSON value as the schema loaded it; jsonb holds dumped values already."""
    if value is None:
        return None
    if isinstance(field.field, fields.Enum):
        return field.field.enum[value]
    if field.type is ColumnType.INET and isinstance(field.field, fields.IP):
        return ipaddress.ip_address(value)
    read = READ.get(field.type)
    loaded = value if read is None else read(value)
    if isinstance(field.field, fields.AwareDateTime) and _lacks_offset(field.field):
        return loaded.astimezone(field.field.default_timezone)
    return loaded


def _lacks_offset(field: fields.AwareDateTime) -> bool:
    """Whether it shows local times: their offset is the `default_timezone`'s."""
    pattern = field.format or field.DEFAULT_FORMAT
    return (
        field.default_timezone is not None
        and pattern not in field.SERIALIZATION_FUNCS
        and "%z" not in pattern
    )
