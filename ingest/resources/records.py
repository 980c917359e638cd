"""Loaded items as records: what is staged, and what PostgreSQL reads with `json_to_recordset`.

A record is a flat JSON object. Columns of the item stand under their column names; those of the
service begin with one `$`, which no column of a schema does:

    $i      the item's index in the request
    $g      the group that the item is to belong to, where it is to belong to one
    $v      the version that the item must be at, from its `meta`
    $set    one bit for each field of the resource, in order: 1 where the item carried it
            (a record set reads absent and null alike, and sparse writes must not)
    $key    true where the client sent the key that the server would otherwise have made
    $extra  what was loaded and is no field of the schema
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from marshmallow import ValidationError, missing

from ingest.errors import NOT_STORABLE, NULL_NOT_ALLOWED, REQUIRED, ErrorCode
from ingest.model import Action, ItemError, Options
from ingest.resources.columns import ColumnType, NotStorable, json_value
from ingest.resources.conversion import FieldConverter, carries
from ingest.resources.resource import Resource, StoredField

INDEX, VERSION, GROUP, SET, CLIENT_KEY, EXTRA = "$i", "$v", "$g", "$set", "$key", "$extra"

Record = dict[str, Any]
Recorded = tuple[Record, bool]
"""A record, and whether `restore` gives the item back from it."""


class RecordWriter:
    """Makes the records of one resource, action and set of options."""

    def __init__(self, resource: Resource, action: Action, options: Options) -> None:
        self.action = action
        self._resource = resource
        self.sparse = action is Action.UPDATE or options.upserts
        self._partial = action is Action.UPDATE
        self.converters = [FieldConverter(field, resource) for field in resource.fields]
        self._sources = {field.source.partition(".")[0] for field in resource.fields}
        self.required = _required_of_clients(resource, action, options)
        # What DELETE reads was loaded by itself, without any `load_default`.
        finds = options.matching is not None and action is not Action.DELETE
        self.matching = resource.identity(options.matching) if finds else None

    def write(
        self, index: int, loaded: Any, item: Mapping[str, Any], key: Any = missing
    ) -> Recorded:
        """The record of one loaded item.

        Args:
            index: the item's index in the request.
            loaded: what the schema's `load` returned.
            item: the item as received.
            key: the loaded key, where it does not come out of `loaded`.

        Raises:
            InvalidItem: with every field that PostgreSQL would refuse.
        """
        if not isinstance(loaded, dict):
            loaded = self._dumped(loaded, item)
        record: Record = {INDEX: index}
        problems: list[ItemError] = []
        same = 0
        for converter in self.converters:
            value = converter.value_of(loaded)
            if key is not missing and converter.field is self._resource.key:
                value = key
            if value is missing:
                continue
            try:
                stored = converter.convert(value)
            except NotStorable as error:
                problems.append(_not_storable(error, converter.field.data_key, *error.path))
                continue
            record[converter.column] = stored
            same += converter.unchanged(item, stored)
        made = self._resource.server_key and self._resource.key.data_key not in item
        # Neither may the record hold more than the item: a `load_default`, a hook's value.
        restorable = same == len(item) == len(record) - 1 - (made and key is not missing)
        if self._resource.keeps_unknown:
            extra = {name: value for name, value in loaded.items() if name not in self._sources}
            try:
                record |= {EXTRA: json_value(extra)} if extra else {}
            except NotStorable as error:
                problems.append(_not_storable(error, *error.path))
        named = {problem.field for problem in problems}
        problems += [each for each in self._unidentified(record, item) if each.field not in named]
        if problems:
            raise InvalidItem(problems)
        if self.sparse:
            record[SET] = "".join(
                "01"[field.column in record and carries(item, field)]
                for field in self._resource.fields
            )
        if self._resource.server_key and not made:
            record[CLIENT_KEY] = True
        return record, restorable

    def makes(self, field: StoredField) -> bool:
        """Whether the field is the server's key, which no schema loads."""
        return self._resource.server_key and field is self._resource.key

    def also_wrong(
        self, valid: Any, item: Mapping[str, Any], errors: Sequence[ItemError]
    ) -> list[ItemError]:
        """What else is wrong with an item that did not load: what could not be stored of it, and
        what identifies it where that is missing. Fields that are named already are left alone.

        Args:
            valid: what could be loaded of it, where that is known.
            item: the item as received.
            errors: why it did not load.
        """
        named = {error.field.partition(".")[0] for error in errors if error.field}
        try:
            self.write(0, valid if isinstance(valid, dict) else {}, item)
        except InvalidItem as wrong:
            return [
                each
                for each in wrong.errors
                if each.field is None
                or (
                    each.field.partition(".")[0] not in named
                    and not (each.code is REQUIRED and each.field in item)
                )
            ]
        except Exception:  # noqa: BLE001 - it is invalid already, whatever else the user's code does
            return []
        return []

    def _dumped(self, loaded: Any, item: Mapping[str, Any]) -> dict[str, Any]:
        """The stored form of an object of the user's: what `dump` shows, read back.

        jsonb holds dumped values, other columns hold loaded ones.
        """
        shown = self._resource.schema.dump(loaded)
        values: dict[str, Any] = {}
        for field in self._resource.fields:
            if field.data_key not in shown or (self._partial and field.data_key not in item):
                continue
            value = shown[field.data_key]
            if value is not None and field.type is not ColumnType.JSONB:
                try:
                    value = field.field.deserialize(value)
                except ValidationError as error:
                    message = "What the schema dumps for this field cannot be read back by it."
                    raise InvalidItem([ItemError(NOT_STORABLE, message, field.data_key)]) from error
            values[field.source] = value
        return values

    def _unidentified(self, record: Record, item: Mapping[str, Any]) -> list[ItemError]:
        """Errors of what identifies the item: it must be there, and a key is never null.

        A `load_default` finds no stored item: it is for new ones.
        """
        absent = [
            field
            for field in self.required
            if field.column not in record or (field is self.matching and not carries(item, field))
        ]
        null = [
            field
            for field in dict.fromkeys((self._resource.key, *self.required))
            if field not in absent and record.get(field.column, missing) is None
        ]
        return [_field_error(REQUIRED, field, "required") for field in absent] + [
            _field_error(NULL_NOT_ALLOWED, field, "null") for field in null
        ]


class InvalidItem(Exception):
    """An item that cannot become a record; `errors` are all of its errors."""

    def __init__(self, errors: Sequence[ItemError]) -> None:
        super().__init__(errors)
        self.errors = errors


def check_all(*checks: Callable[[], Any]) -> list[Any]:
    """What each of several checks of one item returns.

    Raises:
        InvalidItem: with the errors of all checks.
    """
    results: list[Any] = []
    errors: list[ItemError] = []
    for check in checks:
        try:
            results.append(check())
        except InvalidItem as error:
            errors += error.errors
    if errors:
        raise InvalidItem(errors)
    return results


def restore(resource: Resource, record: Mapping[str, Any]) -> dict[str, Any]:
    """The item as received, from a record that `write` said can give it back."""
    made_here = resource.server_key and not record.get(CLIENT_KEY)
    return {
        field.data_key: record[field.column]
        for field in resource.fields
        if field.column in record and not (made_here and field is resource.key)
    }


def _required_of_clients(resource: Resource, action: Action, options: Options) -> list[StoredField]:
    """What every item must carry to be identified, whatever its schema says."""
    identity = resource.identity(options.matching)
    required = [identity]
    if action is Action.CREATE and identity is not resource.key:
        required.insert(0, resource.key)
    if action is Action.CREATE and resource.server_key:
        required.remove(resource.key)
    return required


def _not_storable(error: NotStorable, *path: str) -> ItemError:
    return ItemError(NOT_STORABLE, error.message, ".".join(path), error.description)


def _field_error(code: ErrorCode, field: StoredField, message: str) -> ItemError:
    """An error with one of the messages of a field."""
    return ItemError(code, str(field.field.error_messages[message]), field.data_key)
