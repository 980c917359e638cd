"""How the items of a collection are stored: all that SQL knows of a schema, and its fingerprint.

A batch carries the fingerprint of the layout that its records were made with. Workers whose own
schema is another one read that layout as a document, and so give every record the meaning that it
was accepted with.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from marshmallow import fields, missing

from ingest.resources.columns import ColumnType

FORMAT = 1
"""The version of records themselves (`ingest.resources.records`), part of every fingerprint."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredField:
    """One field of a schema and the column that stores it."""

    name: str
    """Its name in the schema."""
    data_key: str
    """Its name in requests and responses."""
    source: str
    """Where the loaded item holds it: marshmallow's `attribute`, dots meaning nesting."""
    column: str
    type: ColumnType
    field: fields.Field[Any]
    """Of a layout that was read back: one that only says what it allows and shows."""

    @property
    def shown(self) -> bool:
        """Whether GET shows it."""
        return not self.field.load_only


class Layout:
    """How the items of one collection are stored; nothing changes it later."""

    name: str
    fields: tuple[StoredField, ...]
    """In the order of the schema, which `$set` of a record counts by."""
    key: StoredField
    unique: tuple[tuple[StoredField, ...], ...]
    """May name fields that are not among `fields`: those of another schema of the same table."""
    server_key: bool
    """Whether the service makes a key for an item that has none."""
    database_key: bool
    """Whether that is a number, which the database gives when the item is committed."""
    dumps_whole: bool
    """Whether only its schema as a whole can say what an item shows."""
    loads_objects: bool
    """Whether an item may be loaded into an object of the user's."""
    keeps_unknown: bool
    """Whether an item may hold more than its fields."""
    keeps_exact: bool
    """Whether its columns may need help to give back what was loaded."""

    def exact_entries(self, field: StoredField) -> list[str]:
        """Where `$exact` may hold a value of the field: as it was loaded, and as it is shown."""
        raise NotImplementedError

    def stale_entries(self, field: StoredField) -> list[str]:
        """The entries of `$exact` that go where a stored value of the field changes."""
        return self.exact_entries(field)

    @cached_property
    def document(self) -> str:
        """The layout as JSON; equal layouts have equal documents."""
        described = {name: getattr(self, name) for name in _FLAGS} | {
            "format": FORMAT,
            "name": self.name,
            "key": self.key.column,
            "unique": sorted([field.column for field in each] for each in self.unique),
            "fields": [self._described(field) for field in self.fields],
        }
        return orjson.dumps(described, option=orjson.OPT_SORT_KEYS).decode()

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that stand for the document."""
        return hashlib.blake2b(self.document.encode(), digest_size=16).hexdigest()

    def _described(self, stored: StoredField) -> dict[str, Any]:
        field = stored.field
        return {
            "name": stored.name,
            "data_key": stored.data_key,
            "column": stored.column,
            "type": stored.type.value,
            "allow_none": field.allow_none,
            "load_only": field.load_only,
            "dump_only": field.dump_only,
            "has_default": field.dump_default is not missing,
            "exact": self.exact_entries(stored),
        }


_FLAGS = (
    "server_key",
    "database_key",
    "dumps_whole",
    "loads_objects",
    "keeps_unknown",
    "keeps_exact",
)


class OtherLayout(Layout):
    """A layout that is not of this process's own schema."""

    def __init__(
        self,
        like: Layout,
        *,
        fields: Sequence[StoredField],
        unique: Sequence[tuple[StoredField, ...]],
        entries: Mapping[str, list[str]],
        keeps_exact: bool,
    ) -> None:
        """
        Args:
            like: what it is like in all that is not given.
            entries: what `exact_entries` says, by column.
        """
        self.name, self.key = like.name, like.key
        for flag in _FLAGS:
            setattr(self, flag, getattr(like, flag))
        self.fields, self.unique = tuple(fields), tuple(unique)
        self.keeps_exact = keeps_exact
        self._entries = entries

    def exact_entries(self, field: StoredField) -> list[str]:
        return self._entries.get(field.column, [])

    def stale_entries(self, field: StoredField) -> list[str]:
        """Those that any layout may have kept."""
        return [field.column, f"={field.column}"]


class _Read(Layout):
    """A layout as a document says it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.name = document["name"]
        for flag in _FLAGS:
            setattr(self, flag, document[flag])
        self.fields = tuple(map(_field_of, document["fields"]))
        by_column = {field.column: field for field in self.fields}
        self.key = by_column[document["key"]]
        self.unique = tuple(
            tuple(by_column[column] for column in columns) for columns in document["unique"]
        )
        self._entries = {each["column"]: each["exact"] for each in document["fields"]}

    def exact_entries(self, field: StoredField) -> list[str]:
        return list(self._entries.get(field.column, ()))


class UnknownFormat(Exception):
    """The records are of a version that this one does not know."""


def layout_from(document: str) -> Layout:
    """The layout of a document.

    Raises:
        UnknownFormat: it was written by another version.
    """
    described = orjson.loads(document)
    if described.get("format") != FORMAT:
        raise UnknownFormat(described.get("format"))
    return _Read(described)


def plain_field(column: str, type_: ColumnType) -> StoredField:
    """A field of which only its column is known."""
    return StoredField(column, column, column, column, type_, fields.Raw(allow_none=True))


def _field_of(described: Mapping[str, Any]) -> StoredField:
    field = fields.Raw(
        allow_none=described["allow_none"],
        load_only=described["load_only"],
        dump_only=described["dump_only"],
        dump_default=None if described["has_default"] else missing,
    )
    name = described["name"]
    type_ = ColumnType(described["type"])
    return StoredField(name, described["data_key"], name, described["column"], type_, field)
