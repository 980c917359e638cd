"""Which errors a collection can give, as far as its declaration and the settings say so."""

from collections.abc import Iterator
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from ingest.errors import (
    AMBIGUOUS_MATCH,
    ITEM_CODES,
    NOT_A_CHOICE,
    OUT_OF_RANGE,
    UNKNOWN_FIELD,
    KeyRequired,
    RateLimited,
    UnknownBatch,
    UnknownCollection,
    UnknownEndpoint,
    request_errors,
)
from ingest.resources.columns import ColumnType
from ingest.resources.leaving_out import schemas_in
from ingest.resources.resource import Resource
from ingest.settings import Settings

_RANGED = (fields.Integer, fields.Float, fields.Decimal, fields.TimeDelta)
_ELSEWHERE = {each.error_code for each in (UnknownBatch, UnknownCollection, UnknownEndpoint)}


def possible_errors(resource: Resource, settings: Settings) -> frozenset[int]:
    """The codes of all errors that requests to a collection, and its items, can have."""
    impossible = {each.code for each in _ELSEWHERE}
    if not (resource.idempotency_required or settings.idempotency_required):
        impossible.add(KeyRequired.error_code.code)
    if not (settings.rate_limit or settings.account_rate_limit or settings.max_concurrent):
        impossible.add(RateLimited.error_code.code)
    schemas = list(schemas_in(resource.schema))
    declared = [each for schema in schemas for each in _fields(schema)]
    if not any(isinstance(each, _RANGED) or _has(each, validate.Range) for each in declared):
        impossible.add(OUT_OF_RANGE.code)
    if not any(isinstance(each, fields.Enum) or _has(each, validate.OneOf) for each in declared):
        impossible.add(NOT_A_CHOICE.code)
    if all(schema.unknown != RAISE for schema in schemas):
        impossible.add(UNKNOWN_FIELD.code)
    if not _ambiguous(resource):
        impossible.add(AMBIGUOUS_MATCH.code)
    every = ITEM_CODES.keys() | {each.code for each in request_errors()}
    return frozenset(every - impossible)


def _ambiguous(resource: Resource) -> bool:
    """Whether `matching` can name a field of which several items have the same value."""
    alone = {resource.key, *(group[0] for group in resource.unique if len(group) == 1)}
    return any(
        field not in alone and not field.field.dump_only and field.type is not ColumnType.JSONB
        for field in resource.fields
    )


def _fields(schema: Schema) -> Iterator[fields.Field[Any]]:
    """The fields of a schema, and those in its lists, tuples and dicts."""
    waiting = list(schema.load_fields.values())
    while waiting:
        field = waiting.pop()
        yield field
        inner = [getattr(field, name, None) for name in ("inner", "key_field", "value_field")]
        waiting += [each for each in inner if each is not None]
        waiting += getattr(field, "tuple_fields", ())


def _has(field: fields.Field[Any], kind: type[validate.Validator]) -> bool:
    return any(isinstance(each, kind) for each in field.validators)
