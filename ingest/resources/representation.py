"""Stored items as GET shows them: from a row by column to the names and forms of the schema.

Most schemas show what is stored, and then the database's own JSON goes into the response as it is.
Of the others the loaded item is rebuilt and dumped. Nothing that user code does there loses an
answer: where it raises, the item is shown as it is stored, and says what could not be shown.
"""

import ipaddress
from collections.abc import Callable
from traceback import walk_tb
from typing import Any

import orjson
from marshmallow import ValidationError, fields, missing
from marshmallow.utils import set_value

from ingest.exactjson import dump_exact, load_exact
from ingest.model import Selection
from ingest.resources.columns import READ, ColumnType
from ingest.resources.dumping import (
    showing_nulls,
    showing_stored,
    shows_alone,
    shows_itself,
    shows_what_it_loads,
)
from ingest.resources.exact import LOADED, RELOAD, SENT, SHOWN, decode, json_form, marked
from ingest.resources.iso_times import iso_text
from ingest.resources.layout import StoredField
from ingest.resources.leaving_out import forbidden_null, left_out, only_shown, value_left_out
from ingest.resources.objects import ObjectReader
from ingest.resources.records import EXTRA, OBJECT
from ingest.resources.resource import META, Resource

NOT_SHOWN = "notShown"
"""In `meta`: the fields that user code could not show; what is stored stands in their place."""
_ITEM = "_schema"
"""Among them: the item as a whole, as marshmallow calls it."""

# Fields of exactly these classes show what their column holds.
_PLAIN = {fields.String, fields.Email, fields.Url, fields.Boolean, fields.UUID}


class Presenter:
    """Shows the items of one resource."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._shown = [field for field in resource.fields if field.shown]
        self._serializers = {field.column: serializer(field) for field in self._shown}
        self._objects = ObjectReader(resource)
        self._schema = showing_nulls(resource.schema)
        self._changed = [(name, each) for name, each in self._serializers.items() if each]
        self._named_alike = all(field.column == field.data_key for field in self._shown)
        self._verbatim = (
            not resource.dumps_whole
            and not resource.loads_objects
            and not self._changed
            and self._named_alike
        )
        self._members = frozenset({META, *self._serializers})

    def item(self, row: bytes, select: Selection) -> Any:
        """One row, read with `select` (a JSON object by column), as `dump_exact` writes it."""
        if self._verbatim:
            return orjson.Fragment(row)
        return orjson.Fragment(dump_exact(self._item(load_exact(row), select)))

    def items(self, rows: bytes, select: Selection) -> Any:
        """A JSON array of rows, read with `select`, as a value that `dump_exact` writes."""
        if self._verbatim:
            return orjson.Fragment(rows)
        return orjson.Fragment(dump_exact([self._item(row, select) for row in load_exact(rows)]))

    def keys(self, rows: bytes) -> list[str]:
        """The keys of a JSON array of rows, as text; of rows that were read without, none."""
        key = self._resource.key
        values = [row[key.column] for row in load_exact(rows) if key.column in row]
        return [str(self._alone(key, value)) for value in values]

    def _item(self, row: dict[str, Any], select: Selection) -> dict[str, Any]:
        shown, lost = self._document(row)
        if select.hidden:
            shown = {name: each for name, each in shown.items() if name not in select.hidden}
        if META in row:
            shown[META] = row[META]
        if lost:
            shown[META] = {**shown.get(META, {}), NOT_SHOWN: lost}
        return shown

    def _document(self, row: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """What an item shows, and the fields that cannot be shown."""
        is_object = OBJECT in row
        try:
            if is_object:
                return self._with_key(row, self._of_object(row)), []
            if self._resource.dumps_whole:
                return self._with_key(row, self._of_dict(row)), []
            return self._of_fields(row), []
        except Exception as error:  # noqa: BLE001 - it is the user's code
            return self._as_stored(row, error)

    def _with_key(self, row: dict[str, Any], document: Any) -> dict[str, Any]:
        """A dumped document in JSON, with the key that the server made, which no schema dumps."""
        shown: dict[str, Any] = left_out(self._resource.schema, json_form(document), forbidden_null)
        dump_exact(shown)
        key = self._resource.key
        return {key.data_key: row[key.column], **shown} if self._resource.own_key else shown

    def _of_fields(self, row: dict[str, Any]) -> dict[str, Any]:
        # What was written with an earlier schema may have members that are shown no more.
        if self._named_alike and row.keys() <= self._members:
            return row | {
                column: serialize(row[column])
                for column, serialize in self._changed
                if column in row
            }
        return {
            field.data_key: self._alone(field, row[field.column])
            for field in self._shown
            if field.column in row
        }

    def _alone(self, field: StoredField, value: Any) -> Any:
        """What a field shows by itself."""
        serialize = self._serializers[field.column]
        return value if serialize is None else serialize(value)

    def _loaded(self, row: dict[str, Any]) -> dict[str, Any]:
        """The item as it was loaded."""
        loaded: dict[str, Any] = decode(row.get(EXTRA) or {})
        for field in self._objects.fields:
            if field.column in row:
                set_value(loaded, field.source, _loaded_again(field, row[field.column]))
        return loaded

    def _of_dict(self, row: dict[str, Any]) -> Any:
        """What the schema dumps of an item that was loaded into a dict."""
        stored: dict[str, Any] = {}
        for field in self._shown:
            kind, inner = marked(row.get(field.column)) or (None, None)
            if kind == RELOAD and shows_alone(field.field):
                stored[field.name] = inner
        schema = showing_stored(self._schema, stored) if stored else self._schema
        return schema.dump(self._loaded(row))

    def _of_object(self, row: dict[str, Any]) -> Any:
        """What an object of the user's showed, with what is computed of it as it is now."""
        shown: dict[str, Any] = {}
        computed = []
        for field in self._shown:
            value = row.get(field.column)
            if value is None and self._objects.computes(field):
                computed.append(field)
            elif self._resource.makes(field):
                continue
            elif field.column in row and value is not None:
                shown[field.data_key] = self._shown_of_object(field, value)
        if computed:
            anew = self._objects.again(shown)
            shown |= {f.data_key: anew[f.data_key] for f in computed if f.data_key in anew}
        document = {
            field.data_key: shown.get(field.data_key)
            for field in self._shown
            if field.data_key in shown
            or (field.field.allow_none and not self._resource.makes(field))
        }
        return self._objects.finished(document | decode(row.get(EXTRA) or {}), shown)

    def _shown_of_object(self, field: StoredField, value: Any) -> Any:
        found = marked(value)
        if found is not None and found[0] == SHOWN:
            return found[1]
        return value if field.type is ColumnType.JSONB else self._alone(field, value)

    def _as_stored(self, row: dict[str, Any], error: Exception) -> tuple[dict[str, Any], list[str]]:
        """The item without what cannot be shown: each field by itself, or as it is stored."""
        document: dict[str, Any] = {}
        lost = []
        whole = self._resource.dumps_whole and OBJECT not in row
        loaded = self._loaded(row) if whole else {}
        for field in self._shown:
            value = row.get(field.column)
            nothing = field.column not in row
            if nothing and not self._objects.computes(field) and not field.field.allow_none:
                continue
            try:
                if not nothing and (not whole or self._resource.makes(field)):
                    shown = self._shown_of_object(field, value)
                else:
                    shown = self._schema.dump_fields[field.name].serialize(
                        field.name, loaded, accessor=self._schema.get_attribute
                    )
                if shown is missing:
                    continue
                dump_exact(json_form(shown))
            except Exception:  # noqa: BLE001 - it is the user's code, and named below
                lost.append(field.data_key)
                if field.column not in row:
                    continue
                shown = _stored_form(value)
            document[field.data_key] = json_form(shown)
        self._log(error, lost)
        return document, lost or [_ITEM]

    def _log(self, error: Exception, lost: list[str]) -> None:
        # Imported here: the command line knows dialects, and need not load what it never calls.
        import structlog

        *_, (frame, line) = walk_tb(error.__traceback__)
        # Only where, never what: the message of an exception may quote the item.
        structlog.get_logger(__name__).warning(
            "schema code raised while an item was shown",
            collection=self._resource.name,
            schema=type(self._resource.schema).__name__,
            fields=lost,
            error=type(error).__name__,
            where=f"{frame.f_code.co_qualname}:{line}",
        )


def serializer(field: StoredField) -> Callable[[Any], Any] | None:
    """From what the column holds to what GET shows; None where that is the same."""

    def serialize(value: Any) -> Any:
        if value is None:
            return None
        return field.field._serialize(_read(field, value), field.name, {})

    return None if _is_plain(field) else iso_text(field) or serialize


def _is_plain(field: StoredField) -> bool:
    kind = type(field.field)
    if field.type is ColumnType.JSONB or kind in _PLAIN:
        return True
    if kind is fields.Enum:  # its column holds the name
        return not getattr(field.field, "by_value", False)
    if isinstance(field.field, fields.Integer | fields.Float):
        return kind in (fields.Integer, fields.Float) and not field.field.as_string
    return kind is fields.Date and getattr(field.field, "format", None) in (None, "iso", "iso8601")


def _read(field: StoredField, value: Any) -> Any:
    """A scalar column's JSON value as the schema loaded it."""
    if isinstance(field.field, fields.Enum):
        return field.field.enum[value]
    if field.type is ColumnType.INET and isinstance(field.field, fields.IP):
        return ipaddress.ip_address(value)
    read = READ.get(field.type)
    loaded = value if read is None else read(value)
    if isinstance(field.field, fields.AwareDateTime) and _lacks_offset(field.field):
        return loaded.astimezone(field.field.default_timezone)
    return loaded


def _loaded_again(field: StoredField, value: Any) -> Any:
    """The loaded value of a field; what is stored, where that cannot be read any more."""
    if value is None:
        return None
    if field.type is not ColumnType.JSONB:
        try:
            return _read(field, value)
        except (ArithmeticError, KeyError, ValueError):
            return value
    kind, inner = marked(value) or (None, value)
    # Of a row that is older than the code which needs it loaded, the field shows what is stored.
    another_form = (
        field.shown and shows_itself(field.field) and not shows_what_it_loads(field.field)
    )
    older = another_form and kind != LOADED
    if kind not in (SENT, RELOAD) and not older:
        return decode(value)
    # What is only shown was never loaded; a schema that takes unknown names would load it now.
    inner = value_left_out(field.field, inner, only_shown) if kind == RELOAD else inner
    partial = {"partial": True} if getattr(field.field.parent, "partial", None) is True else {}
    try:
        return field.field.deserialize(inner, field.name, {field.data_key: inner}, **partial)
    except ValidationError:
        return inner


def _stored_form(value: Any) -> Any:
    """A value of a row as JSON without marks."""
    kind, inner = marked(value) or (None, value)
    return inner if kind in (SENT, RELOAD, SHOWN) else json_form(decode(value))


def _lacks_offset(field: fields.AwareDateTime) -> bool:
    """Whether it shows local times: their offset is the `default_timezone`'s."""
    pattern = field.format or field.DEFAULT_FORMAT
    return (
        field.default_timezone is not None
        and pattern not in field.SERIALIZATION_FUNCS
        and "%z" not in pattern
    )
