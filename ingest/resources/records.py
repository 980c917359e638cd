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
    $exact  what columns cannot give back: JSON texts by column; `$object` where an object of
            the user's was loaded
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from marshmallow import missing

from ingest.errors import NOT_STORABLE, NULL_NOT_ALLOWED, REQUIRED, ErrorCode
from ingest.model import Action, ItemError, Options, Resolution
from ingest.resources.columns import ANY_DIGITS, NotStorable, json_value
from ingest.resources.conversion import FieldConverter, carries, text_of
from ingest.resources.exact import SHOWN, NotExact, encode, json_key, jsonb_keeps, mark, marked
from ingest.resources.layout import Layout, StoredField
from ingest.resources.objects import ObjectReader, Unreadable
from ingest.resources.resource import Resource

INDEX, VERSION, GROUP, SET, CLIENT_KEY = "$i", "$v", "$g", "$set", "$key"
EXTRA, EXACT, OBJECT = "$extra", "$exact", "$object"

Record = dict[str, Any]
Recorded = tuple[Record, bool]
"""A record, and whether `restore` gives the item back from it."""


class RecordWriter:
    """Makes the records of one resource, action and set of options."""

    def __init__(
        self, resource: Resource, action: Action, options: Options, digits: int = ANY_DIGITS
    ) -> None:
        """Args: `digits` is the most that a number may have, written out."""
        self.action = action
        self._digits = digits
        self._resource = resource
        self.sparse = action is Action.UPDATE or options.upserts
        self._partial = action is Action.UPDATE
        self._replaces = options.resolution is Resolution.REPLACE
        identity = resource.identity(options.matching)
        # DELETE reads what identifies an item, and nothing else.
        read = [identity] if action is Action.DELETE else resource.fields
        self.converters = [FieldConverter(field, resource, digits) for field in read]
        self._objects = ObjectReader(resource)
        self._places = {field.source.partition(".")[0] for field in resource.fields}
        self.required = _required_of_clients(resource, action, options)
        # What DELETE reads was loaded by itself, without any `load_default`.
        finds = options.matching is not None and action is not Action.DELETE
        self.matching = identity if finds else None
        self.finders = dict.fromkeys((resource.key, self.matching or resource.key))
        """What may find the stored item."""

    def write(
        self,
        index: int,
        loaded: Any,
        item: Mapping[str, Any],
        key: Any = missing,
        taken: Mapping[str, Any] | None = None,
    ) -> Recorded:
        """The record of one loaded item.

        Args:
            index: the item's index in the request.
            loaded: what the schema's `load` returned.
            item: the item as received.
            key: the loaded key, where it does not come out of `loaded`.
            taken: what its fields took it from, where hooks made something else of the item.

        Raises:
            InvalidItem: with every field that PostgreSQL would refuse.
        """
        taken = item if taken is None else taken
        try:
            return self._write(index, loaded, item, key, taken)
        except InvalidItem as wrong:
            raise InvalidItem(
                [
                    _not_returned(each, loaded)
                    if each.code is REQUIRED and each.field in taken
                    else each
                    for each in wrong.errors
                ]
            ) from None

    def _write(
        self,
        index: int,
        loaded: Any,
        item: Mapping[str, Any],
        key: Any,
        taken: Mapping[str, Any],
    ) -> Recorded:
        draft = _Draft({INDEX: index}, self._digits)
        if isinstance(loaded, dict):
            others = self._write_dict(draft, loaded, key, item, taken)
        else:
            others = self._write_object(draft, loaded, taken, key)
        record, problems = draft.record, draft.problems
        made = self._resource.server_key and self._resource.key.data_key not in taken
        # Neither may the record hold more than the item: a `load_default`, a hook's value.
        same = sum(
            each.column in record and each.unchanged(item, record[each.column])
            for each in self.converters
        )
        restorable = same == len(item) == len(record) - 1 - (made and key is not missing)
        if self._resource.keeps_unknown and (kept := draft.keep(others, taken)):
            record[EXTRA] = kept
        if draft.exact:
            record[EXACT] = draft.exact
        named = {problem.field for problem in problems}
        wrong = self._unidentified(record, taken)
        problems += [each for each in wrong if each.field not in named]
        if problems:
            raise InvalidItem(problems)
        if self.sparse:
            record[SET] = "".join(
                "01"[
                    self.replaces(field)
                    or (field.column in record and self._carries(taken, field, loaded))
                ]
                for field in self._resource.fields
            )
        if self._resource.server_key and not made:
            record[CLIENT_KEY] = True
        return record, restorable

    def replaces(self, field: StoredField) -> bool:
        """Whether a stored item gets what the item has of a field, be it nothing."""
        return self._replaces and not field.field.dump_only

    def _carries(self, taken: Mapping[str, Any], stored: StoredField, loaded: Any) -> bool:
        """Whether a value of the record is to change a stored item."""
        if isinstance(loaded, dict):
            # PATCH excuses missing fields, and so knows no `load_default`.
            return self._partial or carries(taken, stored)
        # An object has values of its own for what was not sent.
        return stored.data_key in taken or self._objects.computes(stored)

    def _write_dict(
        self,
        draft: "_Draft",
        loaded: Mapping[str, Any],
        key: Any,
        item: Mapping[str, Any],
        taken: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Write the fields of a loaded dict; returns what of it is no field's."""
        for converter in self.converters:
            value = converter.value_of(loaded)
            if key is not missing and converter.field is self._resource.key:
                value = key
            if value is missing:
                continue
            with draft.naming(converter.field):
                stored = converter.convert(value, loaded)
                sent = taken.get(converter.field.data_key, missing)
                entry = converter.exact(value, stored, sent)
                received = item.get(converter.field.data_key, missing)
                if converter.is_read_as(value, received):
                    stored = received
                draft.write(converter.column, stored, entry)
        return {name: value for name, value in loaded.items() if name not in self._places}

    def _write_object(
        self, draft: "_Draft", loaded: Any, carried: Mapping[str, Any], key: Any
    ) -> dict[str, Any]:
        """Write what is stored of an object of the user's; returns what it shows besides."""
        try:
            taken = self._objects.take(loaded, carried, sparse=self.sparse, partial=self._partial)
        except Unreadable as error:
            message = "What the schema dumps for this field cannot be read back by it."
            draft.problems.append(ItemError(NOT_STORABLE, message, error.field.data_key))
            return {}
        if key is not missing:
            taken.values[self._resource.key.column] = key
        for converter in self.converters:
            column = converter.column
            if column not in taken.values:
                continue
            with draft.naming(converter.field):
                stored = converter.store(taken.values[column])
                shown = taken.shown.get(column, missing)
                if shown is missing and (not jsonb_keeps(stored) or marked(stored)):
                    shown = stored
                entry = None if shown is missing else (column, text_of(mark(SHOWN, shown)))
                draft.write(column, stored, entry)
        draft.exact[OBJECT] = "true"
        return taken.others

    def also_wrong(
        self,
        valid: Any,
        item: Mapping[str, Any],
        taken: Mapping[str, Any] | None,
        errors: Sequence[ItemError],
    ) -> list[ItemError]:
        """What else is wrong with an item that did not load: what could not be stored of it, and
        what identifies it where that is missing. Fields that are named already are left alone.

        Args:
            valid: what could be loaded of it, where that is known.
            item: the item as received.
            taken: what its fields took it from; None where that is not known, so that nothing can
                be called missing.
            errors: why it did not load.
        """
        named = {error.field.partition(".")[0] for error in errors if error.field}
        try:
            valid = valid if isinstance(valid, dict) else {}
            self._write(0, valid, item, missing, item if taken is None else taken)
        except InvalidItem as wrong:
            return [
                each
                for each in wrong.errors
                if each.field is None
                or (
                    each.field.partition(".")[0] not in named
                    and not (each.code is REQUIRED and (taken is None or each.field in taken))
                )
            ]
        except Exception:  # noqa: BLE001 - it is invalid already, whatever else the user's code does
            return []
        return []

    def _unidentified(self, record: Record, taken: Mapping[str, Any]) -> list[ItemError]:
        """Errors of what identifies the item: it must be there, and a key is never null.

        A `load_default` finds no stored item: it is for new ones.
        """
        absent = [
            field
            for field in self.required
            if field.column not in record or (field is self.matching and not carries(taken, field))
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


@dataclass(slots=True)
class _Draft:
    """A record that is being written, and what is wrong with it."""

    record: Record
    digits: int
    exact: dict[str, str] = field(default_factory=dict)
    problems: list[ItemError] = field(default_factory=list)

    @contextmanager
    def naming(self, stored: StoredField) -> Iterator[None]:
        """Note what cannot be stored in the block as an error of the field."""
        try:
            yield
        except NotStorable as error:
            self.problems.append(_not_storable(error, stored.data_key, *error.path))

    def write(self, column: str, stored: Any, entry: tuple[str, str] | None) -> None:
        self.record[column] = stored
        if entry is not None:
            self.exact[entry[0]] = entry[1]

    def keep(self, others: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
        """What was loaded and is no field's, as `decode` gives it back.

        What a hook adds and no column can hold is not kept: the item did not bring it.
        """
        kept: dict[str, Any] = {}
        for name, value in others.items():
            try:
                stored = json_value({name: value}, self.digits)
            except NotStorable as error:
                if name in item:
                    self.problems.append(_not_storable(error, *error.path))
                continue
            with suppress(NotExact):
                stored = {json_key(name): encode(value)}
            kept |= stored
        return kept


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


def restore(resource: Layout, record: Mapping[str, Any]) -> dict[str, Any]:
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
    return ItemError(error.code, error.message, ".".join(path), error.description)


def _not_returned(absent: ItemError, loaded: Any) -> ItemError:
    """The item carried what identifies it, and the schema's `load` did not give it back."""
    return ItemError(
        NOT_STORABLE,
        f"The schema's load returned a {type(loaded).__name__} without this field, which is needed"
        " to find the item.",
        absent.field,
        "Its `post_load` must return a dict, or an object, that has it.",
    )


def _field_error(code: ErrorCode, field: StoredField, message: str) -> ItemError:
    """An error with one of the messages of a field."""
    return ItemError(code, str(field.field.error_messages[message]), field.data_key)
