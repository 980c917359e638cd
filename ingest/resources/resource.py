"""What is ingested: marshmallow schemas, each wrapped in a `Resource`, and their registry."""

import hashlib
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from marshmallow import Schema, fields, missing

from ingest.errors import ConfigurationError, encodable
from ingest.model import Selection
from ingest.resources.columns import KEY_TYPES, ColumnType
from ingest.resources.dumping import (
    dumps_plainly,
    keeps_unknown,
    loads_in_its_own_way,
    may_hold_floats,
)
from ingest.resources.layout import Layout, StoredField
from ingest.resources.places import place_of_caller
from ingest.resources.probing import loads_naive_times, stored_type
from ingest.resources.shapes import shape_of
from ingest.resources.summaries import Summary, each_of, name_refusal

SERVER_KEY = "id"
MADE_KEY_TYPES = frozenset({ColumnType.UUID, ColumnType.BIGINT})
"""The types of keys that the service makes."""
META = "meta"
RESERVED_COLLECTIONS = frozenset({"batches"})
RESERVED_PARAMETERS = frozenset({"after", "limit", "offset", "select", "matching", "dryRun"})
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,47}")
_MAX_IDENTIFIER = 63  # bytes, PostgreSQL's NAMEDATALEN - 1
_SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})


class Resource(Layout):
    """A collection that the service serves: its name, its schema, what identifies an item.

    Args:
        name: the collection's name in URLs and the name of its table: lower-case letters,
            digits, `_` and `-`, at most 48 characters.
        schema: a marshmallow `Schema` class, or an instance of one.
        key: the schema field that identifies an item within an account. Left at `"id"`, a schema
            that declares no such field gets a server-made UUIDv7, which clients may supply; so does
            one that declares it as a UUID which is not required, or is dump_only. A dump_only
            Integer gets a number from the database when the item is committed.
        unique: further unique attributes: field names, or tuples of field names.
        idempotency_required: refuse writes to this collection without an `Idempotency-Key`.
        limit_reached: what responses notify an account of that has as many items as it may have;
            `<name>_limit_reached` where nothing is given.
        limit_exceeded: the same, in addition, of an account that has more.
        limits_with: other collections; while an account's limit of one of them is reached, it
            creates no items here either.
        summaries: what is counted of its items, by the name under which answers show it.
        optional: fields that answers show only where `select` names them.
        rpc_id: its `db_id` in the dialect `rpc`; left out, its place in the module, from 1.
        rpc_resources: the `resource_id`s under which that is available there.
        repairable: keep what was received of every strict batch that is refused for its items, as
            `Prefer: repair=keep` does, so that it can be repaired in place.

    Raises:
        ConfigurationError: the schema cannot be stored faithfully; the message names the field.
    """

    def __init__(
        self,
        name: str,
        schema: type[Schema] | Schema,
        *,
        key: str = SERVER_KEY,
        unique: str | Sequence[str | tuple[str, ...]] = (),
        idempotency_required: bool = False,
        limit_reached: str | None = None,
        limit_exceeded: str | None = None,
        limits_with: str | Sequence[str] = (),
        summaries: Mapping[str, Summary] = MappingProxyType({}),
        optional: str | Sequence[str] = (),
        rpc_id: int | None = None,
        rpc_resources: int | Sequence[int] = (1,),
        repairable: bool = False,
    ) -> None:
        self.name = name
        self.place = place_of_caller()
        """Where it is declared, as `file:line`; None where that is unknown."""
        if not _NAME.fullmatch(name) or name in RESERVED_COLLECTIONS:
            raise self._refused(
                "the name must be lower-case letters, digits, '_' and '-', begin with a letter, "
                "have at most 48 characters, and not be 'batches'"
            )
        self.schema = schema() if isinstance(schema, type) else schema
        self.idempotency_required = idempotency_required
        self.repairable = repairable
        self.limit_reached = limit_reached or f"{name}_limit_reached"
        self.limit_exceeded = limit_exceeded
        self.limits_with = each_of(limits_with)
        self.summaries = self._declared(summaries)
        self.rpc_id = rpc_id
        self.rpc_resources = each_of(rpc_resources)
        if not self.rpc_resources:
            raise self._refused("rpc_resources must list at least one number")
        self.own_key = key == SERVER_KEY and SERVER_KEY not in self.schema.fields
        """Whether the key is the service's own field, which the schema neither loads nor dumps."""
        self.fields = self._stored_fields()
        self._by_name = {field.name: field for field in self.fields}
        self.by_data_key = {field.data_key: field for field in self.fields}
        self.key = self._key_field(key)
        self.key_apart = self.own_key or self.key.field.dump_only
        """Whether the key is taken off an item before its schema loads it."""
        self.server_key = self.key_apart or self._may_lack_key()
        """Whether the service makes a key for an item that has none."""
        self.database_key = self.server_key and self.key.type is ColumnType.BIGINT
        """Whether that is a number, which the database gives when the item is committed."""
        self.unique = tuple(self._unique_fields(entry) for entry in each_of(unique))
        self.selection = Selection(hidden=frozenset(self._optional_fields(each_of(optional))))
        """What answers show where the request selects nothing."""
        self.dumps_whole = not dumps_plainly(self.schema)
        """Whether only its schema as a whole can say what an item shows."""
        self.loads_objects = loads_in_its_own_way(self.schema)
        """Whether an item may be loaded into an object of the user's."""
        self.keeps_unknown = keeps_unknown(self.schema)
        self.keeps_exact = (
            self.dumps_whole
            or self.loads_objects
            or any(f.type is ColumnType.JSONB and may_hold_floats(f.field) for f in self.fields)
        )
        """Whether its columns may need help to give back what was loaded."""
        self._check_names()
        if self.schema.many:
            raise self._refused("the schema has many=True; a resource's schema describes one item")
        for field in self.fields:
            if field.type is ColumnType.JSONB:
                self._check_nested(field.field, field.name, ())
            if field.type is ColumnType.TIMESTAMPTZ:
                self._check_offset(field)
        for name, summary in self.summaries.items():
            self._check_summary(name, summary)

    def __repr__(self) -> str:
        return f"Resource({self.name!r}, {type(self.schema).__name__})"

    def identity(self, matching: str | None) -> StoredField:
        """The field that finds an item's stored row: the one named by `matching`, or the key."""
        return self.key if matching is None else self._by_name[matching]

    def may_match(self, field: StoredField) -> bool:
        """Whether clients may find stored items by a field: by one that they never see, only where
        the database tells of its values anyway, because they are unique."""
        scalar = field.type is not ColumnType.JSONB
        return scalar and not field.field.dump_only and (field.shown or (field,) in self.unique)

    def counted(self, summary: Summary) -> tuple[StoredField, ...]:
        """The fields that a summary is made of, in the order of its `fields`."""
        return tuple(self._by_name[name] for name in summary.fields)

    def makes(self, field: StoredField) -> bool:
        """Whether the field is the service's own key, which no schema loads."""
        return self.own_key and field is self.key

    def exact_entries(self, field: StoredField) -> list[str]:
        """Where `$exact` may hold a value of the field: as it was loaded, and as it is shown."""
        if self.dumps_whole or self.loads_objects:
            return [field.column]
        floats = field.type is ColumnType.JSONB and may_hold_floats(field.field)
        return [f"={field.column}"] if floats else []

    def _stored_fields(self) -> tuple[StoredField, ...]:
        declared = dict(self.schema.fields)
        if self.own_key:
            key = fields.UUID(data_key=SERVER_KEY)
            key.name = SERVER_KEY
            declared = {SERVER_KEY: key, **declared}
        for name, field in declared.items():
            named = name + (field.data_key or "")
            if encodable(named) != named:
                raise self._refused(f"field {name!a}: a name cannot hold a lone surrogate")
        return tuple(
            StoredField(
                name=name,
                data_key=name if field.data_key is None else field.data_key,
                source=field.attribute or name,
                column=_column_name(name),
                type=stored_type(field),
                field=field,
            )
            for name, field in declared.items()
        )

    def _key_field(self, name: str) -> StoredField:
        field = self._named(name, "the key")
        if field.type not in KEY_TYPES:
            raise self._refused(
                f"field {name!r} cannot be the key: it is stored as {field.type.value}"
            )
        if field.field.load_only:
            raise self._refused(
                f"field {name!r} cannot be the key: a key is shown, and this field is load_only; "
                "drop load_only, or name another key"
            )
        if field.field.dump_only and field.type not in MADE_KEY_TYPES:
            raise self._refused(
                f"field {name!r} cannot be the key: clients send it, and this field is dump_only; "
                "drop dump_only, or declare it as a UUID or an Integer, which the service makes"
            )
        return field

    def _may_lack_key(self) -> bool:
        field = self.key.field
        return (
            self.key.name == SERVER_KEY
            and self.key.type is ColumnType.UUID
            and not field.required
            and field.load_default is missing
        )

    def _unique_fields(self, entry: str | tuple[str, ...]) -> tuple[StoredField, ...]:
        names = each_of(entry)
        found = tuple(self._named(name, "a unique attribute") for name in names)
        for field in found:
            if field.type is ColumnType.JSONB:
                raise self._refused(f"field {field.name!r} cannot be unique: it is stored as jsonb")
        if not found or len(set(found)) != len(found):
            raise self._refused(f"unique attribute {entry!r} names no field, or one twice")
        return found

    def _optional_fields(self, names: Sequence[str]) -> Iterator[str]:
        for name in names:
            field = self._named(name, "an optional part")
            if field is self.key:
                raise self._refused(f"field {name!r} cannot be optional: it is the key")
            if not field.shown:
                raise self._refused(f"field {name!r} cannot be optional: it is load_only")
            shown = field.data_key
            if not shown or '"' in shown:
                raise self._refused(
                    f"field {name!r} cannot be optional: `select` cannot name {shown!r}"
                )
            if shown in self.summaries:
                raise self._refused(
                    f"field {name!r} cannot be optional: to select {shown!r} adds the summary of "
                    "this name"
                )
            yield shown

    def _named(self, name: str, role: str) -> StoredField:
        if not isinstance(name, str) or name not in self._by_name:
            raise self._refused(f"{role} {name!r} is not a field of the schema")
        return self._by_name[name]

    def _refused(self, reason: str) -> ConfigurationError:
        return ConfigurationError(f"resource {self.name!r}: {reason}")

    def _check_names(self) -> None:
        columns: dict[str, str] = {}
        keys: dict[str, str] = {}
        for field in self.fields:
            if META in (field.name, field.data_key):
                raise self._refused(f"field {field.name!r}: the name 'meta' belongs to the service")
            if "\0" in field.name + field.data_key:
                raise self._refused(f"field {field.name!r}: a name cannot hold a NUL character")
            for seen, name in ((columns, field.column), (keys, field.data_key)):
                if name in seen:
                    raise self._refused(
                        f"fields {seen[name]!r} and {field.name!r} would both be called {name!r}; "
                        "rename one of them, or its data_key"
                    )
                seen[name] = field.name

    def _declared(self, summaries: Mapping[str, Summary]) -> dict[str, Summary]:
        if not isinstance(summaries, Mapping):
            raise self._refused('summaries must be a mapping, such as {"tags": Tally("tags")}')
        for name, summary in summaries.items():
            if not isinstance(summary, Summary):
                raise self._refused(
                    f"summary {name!r} is {summary!r}; declare it as Tally(field) or as "
                    "Totals(value, by=(field,))"
                )
        return dict(summaries)

    def _check_summary(self, name: str, summary: Summary) -> None:
        for field in summary.fields:
            if not self._named(field, f"summary {name!r}: its field").shown:
                raise self._refused(
                    f"summary {name!r} would show {field!r}, which is load_only; leave it out"
                )
        if refusal := name_refusal(name) or summary.refusal(self.counted(summary)):
            raise self._refused(f"summary {name!r}: {refusal}")

    def _check_offset(self, field: StoredField) -> None:
        """Refuse a DateTime whose format has no offset: not one value of it could be stored."""
        time = field.field
        if isinstance(time, fields.DateTime) and not time.dump_only and loads_naive_times(time):
            raise self._refused(
                f"field {field.name!r} loads times without an offset (format {time.format!r}), and "
                "a DateTime is stored with one; declare it as NaiveDateTime, or as "
                "AwareDateTime with a default_timezone"
            )

    def _check_nested(
        self, field: fields.Field[Any], path: str, seen: tuple[Hashable, ...]
    ) -> None:
        """Refuse a load_only field inside a nested value: it is stored as it is shown."""
        for nested in nested_in(field):
            schema, shape = nested.schema, shape_of(nested.schema)
            for name, inner in schema.fields.items() if shape not in seen else ():
                if inner.load_only:
                    raise self._refused(
                        f"field '{path}.{name}' is load_only inside a nested value, which is "
                        "stored as it is shown; move it to the top level, or drop load_only"
                    )
                self._check_nested(inner, f"{path}.{name}", (*seen, shape))


def nested_in(field: fields.Field[Any]) -> Iterator[fields.Nested]:
    """The nested schemas' fields in a field of lists, tuples and dicts; itself, where it is one."""
    if isinstance(field, fields.Nested):
        yield field
    inner = [getattr(field, name, None) for name in ("inner", "key_field", "value_field")]
    for each in (*inner, *getattr(field, "tuple_fields", ())):
        if each is not None:
            yield from nested_in(each)


def _column_name(field_name: str) -> str:
    """The column of a field: its own name wherever PostgreSQL takes that.

    Columns of the service begin with one `$`; a field's never do.
    """
    name = field_name
    if name.startswith("$") or name in _SYSTEM_COLUMNS or not name:
        name = f"$${name}"
    if len(name.encode()) <= _MAX_IDENTIFIER:
        return name
    digest = hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
    return name.encode()[: _MAX_IDENTIFIER - 17].decode(errors="ignore") + "~" + digest
