"""One field of a record: from the value in a loaded item to what its column stores."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson
from marshmallow import missing
from marshmallow.utils import get_value

from ingest.exactjson import dump_exact, load_exact
from ingest.resources.as_sent import AS_SENT, is_read_as
from ingest.resources.columns import ANY_DIGITS, ColumnType, Converter, NotStorable, converter
from ingest.resources.dumping import shows_itself, shows_what_it_loads
from ingest.resources.exact import LOADED, RELOAD, SENT, NotExact, encode, jsonb_keeps, mark, marked
from ingest.resources.layout import StoredField
from ingest.resources.leaving_out import forbidden_null, schemas_in, value_left_out
from ingest.resources.resource import Resource, nested_in

# A btree entry holds at most 2,704 bytes, the account's name (255) among them.
MAX_INDEXED_BYTES = 2048


class FieldConverter:
    """Takes one field's value out of loaded items, and converts it for its column."""

    def __init__(self, field: StoredField, resource: Resource, digits: int = ANY_DIGITS) -> None:
        """Args: `digits` is the most that a number may have, written out."""
        self.field = field
        self.column = field.column
        widths = [len(group) for group in ((resource.key,), *resource.unique) if field in group]
        self.limit = MAX_INDEXED_BYTES // max(widths) if widths else None
        self._to_column: Converter = converter(field.type, digits)
        self._to_json: Converter = converter(ColumnType.JSONB, digits)
        self._in_json = field.type is ColumnType.JSONB
        self.takes_sent = field.type in AS_SENT and self.limit is None
        """Whether the column may be given what was sent, where it reads that as the same value."""
        # What is never shown need not be something that the field could show.
        self.dumps_alone = self._in_json and field.shown and shows_itself(field.field)
        """Whether its column holds what the field dumps, and not the loaded value as JSON."""
        self._whole = resource.dumps_whole
        self._entry = next(iter(resource.exact_entries(field)), None)
        self.null_matters = self._whole or field.field.dump_default is not missing
        """Whether null shows something else than nothing does, or user code may tell them apart."""
        self.differs = self._whole and self.dumps_alone and not shows_what_it_loads(field.field)
        """Whether its column holds another form of the field than the dump has to be given."""
        # A loaded dict has only what was sent; objects have all of their attributes.
        self._may_show_null = any(
            schema._hooks
            for nested in nested_in(field.field)
            for schema in schemas_in(nested.schema)
        )

    def value_of(self, loaded: Mapping[str, Any]) -> Any:
        """The value in a loaded item; `missing` where there is none."""
        if "." in self.field.source:
            return get_value(loaded, self.field.source)
        return loaded.get(self.field.source, missing)

    def convert(self, value: Any, loaded: Mapping[str, Any] = MappingProxyType({})) -> Any:
        """What the column stores for a loaded value: of plain fields in JSON, what GET shows.

        Args:
            loaded: the item that has the value.

        Raises:
            NotStorable: PostgreSQL would refuse it.
        """
        if value is None:
            return None
        if self.dumps_alone:
            value = self._without_nulls(self.field.field._serialize(value, self.field.name, {}))
        if not self._in_json:
            return self._fitting(self._to_column(value))
        try:
            return self._to_json(value)
        except NotStorable as refused:
            if self.dumps_alone or refused.of_class is None:
                raise
            return self._to_json(self.field.field._serialize(value, self.field.name, loaded))

    def store(self, value: Any) -> Any:
        """What the column stores of an object's: a scalar's loaded value, or JSON already.

        Raises:
            NotStorable: PostgreSQL would refuse it.
        """
        if value is None:
            return None
        if self._in_json:
            return self._to_json(self._without_nulls(value))
        return self._fitting(self._to_column(value))

    def convert_plain(self, value: Any) -> Any:
        """The same, of a value that the column gives back as it is.

        Raises:
            NotExact: it does not.
        """
        stored = self.convert(value)
        if self.exact(value, stored) is not None:
            raise NotExact
        return stored

    def convert_sent(self, value: Any, sent: Any) -> Any:
        """The same as `convert_plain`, or what was sent where the column reads that as it."""
        stored = self.convert_plain(value)
        return sent if self.is_read_as(value, sent) else stored

    def is_read_as(self, value: Any, sent: Any) -> bool:
        """Whether the column reads what was sent as the loaded value."""
        return self.takes_sent and is_read_as(self.field.type, value, sent)

    def exact(self, value: Any, stored: Any, sent: Any = missing) -> tuple[str, str] | None:
        """The entry of `$exact` for a loaded value, where what the column stores needs one.

        Args:
            sent: what the field loaded it from, where that is known.
        """
        if self._entry is None:
            return None
        if value is None:
            return (self._entry, "null") if self.null_matters else None
        if not self._in_json:
            return None
        if not self._whole:
            return None if jsonb_keeps(stored) else (self._entry, text_of(stored))
        try:
            encoded = encode(value)
        except NotExact:
            return self._entry, text_of(self._loadable(value, stored, sent))
        if self.differs:
            encoded = mark(LOADED, encoded)
        elif encoded == stored and not _holds_marks(encoded):
            return None
        return self._entry, text_of(encoded)

    def _loadable(self, value: Any, stored: Any, sent: Any) -> dict[str, Any]:
        """What an object is loaded from again: what is shown of it, so that sending this back
        changes nothing; what was sent, where what is shown does not give it back."""
        if not self.dumps_alone:
            try:
                stored = self._to_json(self.field.field._serialize(value, self.field.name, {}))
            except Exception:  # noqa: BLE001 - the user's code shows it with its item alone
                return mark(RELOAD, stored)
        shown = load_exact(dump_exact(stored))
        if sent is not missing and not self._shows(shown, shown) and self._shows(sent, shown):
            return mark(SENT, sent)
        return mark(RELOAD, stored)

    def _shows(self, document: Any, shown: Any) -> bool:
        """Whether the field shows this of what it loads from a document."""
        field = self.field.field
        try:
            self._to_json(document)
            again = field._serialize(field.deserialize(document), self.field.name, {})
            return bool(load_exact(dump_exact(self._to_json(again))) == shown)
        except Exception:  # noqa: BLE001 - it does not, whatever code of the user's says
            return False

    def _without_nulls(self, shown: Any) -> Any:
        if self._may_show_null:
            return value_left_out(self.field.field, shown, forbidden_null)
        return shown

    def _fitting(self, stored: Any) -> Any:
        if self.limit and isinstance(stored, str) and len(stored.encode()) > self.limit:
            raise NotStorable(
                f"The value is longer than {self.limit} bytes, the most that an index can hold.",
                "The field is a key or a unique attribute.",
            )
        return stored

    def unchanged(self, item: Mapping[str, Any], stored: Any) -> bool:
        """Whether the item holds exactly what is stored, so that its raw form need not be kept."""
        raw = item.get(self.field.data_key, missing)
        if raw is stored:
            return True
        if isinstance(raw, str):  # "5" is not 5, but a UUID is what its text says
            return isinstance(stored, str | UUID) and raw == str(stored)
        return isinstance(raw, list | dict) and _json(raw) == _json(stored)


def carries(item: Mapping[str, Any], field: StoredField) -> bool:
    """Whether a value that was loaded comes from the item (or a hook), and is no `load_default`."""
    return field.data_key in item or field.field.load_default is missing


def text_of(document: Any) -> str:
    """A JSON document as an entry of `$exact`."""
    return dump_exact(document).decode()


def _holds_marks(encoded: Any) -> bool:
    if isinstance(encoded, list):
        return any(map(_holds_marks, encoded))
    if not isinstance(encoded, dict):
        return False
    return marked(encoded) is not None or any(map(_holds_marks, encoded.values()))


def _json(value: Any) -> bytes | None:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return None
