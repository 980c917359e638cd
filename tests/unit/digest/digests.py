"""Digests of items that are validated as requests validate them."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from marshmallow import Schema, fields, validate

from ingest import Resource
from ingest.digest.digest import Digest
from ingest.model import Action, Batch, BatchState, Failure, Options
from ingest.resources.records import InvalidItem
from ingest.validation.items import ItemValidator

NOW = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)


class PartSchema(Schema):
    city = fields.String(validate=validate.OneOf(["Zürich", "Rome"]))


class OrderSchema(Schema):
    title = fields.String(required=True, validate=validate.Length(min=1, max=20))
    email = fields.Email()
    price = fields.Decimal(allow_none=True, as_string=True)
    weight = fields.Float()
    count = fields.Integer(strict=True)
    day = fields.Date(allow_none=True)
    local = fields.NaiveDateTime()
    american = fields.Date(format="%m/%d/%Y")
    state = fields.String(validate=validate.OneOf(["open", "won", "Lost"]))
    zip = fields.String(validate=validate.Regexp(r"\d{5}\Z"))
    code = fields.String(validate=validate.Length(min=3, max=9))
    ean = fields.String(validate=validate.Regexp(r"\d+\Z"))
    place = fields.Nested(PartSchema)
    places = fields.List(fields.Nested(PartSchema))
    amounts = fields.List(fields.Decimal())
    scores = fields.Dict(keys=fields.String(), values=fields.Decimal())


class PersonSchema(Schema):
    name = fields.String(required=True)
    phone = fields.String(required=True, validate=validate.Regexp(r"[0-9 ]+\Z"))


orders = Resource("orders", OrderSchema)
people = Resource("people", PersonSchema, key="name")


def errors_of(validator: ItemValidator, item: Any) -> list[Any]:
    try:
        validator.check(0, item)
    except InvalidItem as invalid:
        return [*invalid.errors]
    return []


def failures_of(resource: Resource, items: Sequence[Any], options: Options) -> list[Failure]:
    validator = ItemValidator(resource, Action.CREATE, options)
    found = [(index, item, errors_of(validator, item)) for index, item in enumerate(items)]
    return [Failure(index, item, errors) for index, item, errors in found if errors]


def batch_of(
    resource: Resource, received: int, failures: Sequence[Failure], options: Options
) -> Batch:
    return Batch(
        id=UUID(int=1),
        account="acme",
        collection=resource.name,
        action=Action.CREATE,
        options=options,
        state=BatchState.REJECTED,
        received=received,
        invalid_count=len(failures),
        invalid=[failure.index for failure in failures],
        created_at=NOW,
        accepted_at=None,
        finished_at=NOW,
    )


def digest(
    items: Sequence[Any],
    resource: Resource = orders,
    others: Sequence[Resource] = (),
    options: Options | None = None,
) -> tuple[Digest, list[Failure]]:
    """The digest of a rejected batch of these items, and its failures."""
    options = options or Options()
    failures = failures_of(resource, items, options)
    made = Digest(batch_of(resource, len(items), failures, options), resource, others)
    made.add(failures)
    return made, failures


def groups(items: Sequence[Any], *about: Any, **options: Any) -> dict[tuple[int, str | None], Any]:
    """The groups of a digest, by code and field."""
    made, _ = digest(items, *about, **options)
    return {(each["code"], each["field"]): each for each in made.document()["groups"]}
