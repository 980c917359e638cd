"""One field of a record: from the value in a loaded item to what its column stores."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from marshmallow import missing
from marshmallow.utils import get_value

from ingest.resources.columns import ColumnType, Converter, NotStorable, converter
from ingest.resources.leaving_out import forbidden_null, schemas_in, value_left_out
from ingest.resources.resource import Resource, StoredField, nested_in

# A btree entry holds at most 2,704 bytes, the account's name (255) among them.
MAX_INDEXED_BYTES = 2048


class FieldConverter:
    """Takes one field's value out of loaded items, and converts it for its column."""

    def __init__(self, field: StoredField, resource: Resource) -> None:
        self.field = field
        self.column = field.column
        widths = [len(group) for group in ((resource.key,), *resource.unique) if field in group]
        self.limit = MAX_INDEXED_BYTES // max(widths) if widths else None
        self._to_column: Converter = converter(field.type)
        # jsonb holds a value as GET shows it.
        self._serialize = field.field._serialize if field.type is ColumnType.JSONB else None
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

    def convert(self, value: Any) -> Any:
        """What the column stores for a loaded value.

        Raises:
            NotStorable: PostgreSQL would refuse it.
        """
        if value is None:
            return None
        if self._serialize is not None:
            value = self._serialize(value, self.field.name, {})
            if self._may_show_null:
                value = value_left_out(self.field.field, value, forbidden_null)
        stored = self._to_column(value)
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


def _json(value: Any) -> bytes | None:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return None
