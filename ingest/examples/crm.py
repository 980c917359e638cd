"""Contacts and deals of a small CRM."""

from enum import Enum

from marshmallow import Schema, fields, validate

from ingest.resources.resource import Resource
from ingest.resources.summaries import Tally, Totals


class Status(Enum):
    """Where a contact stands in its life cycle."""

    lead = "lead"
    prospect = "prospect"
    customer = "customer"
    former = "former"


class ContactSchema(Schema):
    email = fields.Email(required=True, validate=validate.Length(max=254))
    first_name = fields.String(required=True, validate=validate.Length(min=1, max=100))
    last_name = fields.String(allow_none=True, validate=validate.Length(max=100))
    company = fields.String(validate=validate.Length(max=200))
    phone = fields.String(validate=validate.Regexp(r"\+?[0-9 ().-]{3,30}\Z"))
    country = fields.String(validate=validate.Length(equal=2))
    age = fields.Integer(strict=True, validate=validate.Range(0, 150))
    subscribed = fields.Boolean()
    status = fields.Enum(Status, allow_none=True)
    tags = fields.List(fields.String(validate=validate.Length(min=1, max=50)))


class Stage(Enum):
    lead = "lead"
    offer = "offer"
    won = "won"
    lost = "lost"


class DealSchema(Schema):
    title = fields.String(required=True, validate=validate.Length(min=1, max=200))
    value = fields.Decimal(
        required=True, as_string=True, validate=validate.Range(min=0, max=10**12)
    )
    currency = fields.String(load_default="EUR", validate=validate.Length(equal=3))
    stage = fields.Enum(Stage, load_default=Stage.lead)
    contact_id = fields.UUID(allow_none=True)
    expected_on = fields.Date(allow_none=True)
    closed_at = fields.AwareDateTime(allow_none=True)


contacts = Resource(
    "contacts",
    ContactSchema,
    unique=["email"],
    limit_reached="contacts_list_full",
    limit_exceeded="too_many_contacts",
    limits_with=["deals"],
    summaries={"tags": Tally("tags"), "statuses": Tally("status")},
)
deals = Resource(
    "deals",
    DealSchema,
    limit_reached="deals_limit_reached",
    limits_with=["contacts"],
    summaries={"sales": Totals("value", by=("currency", "stage"))},
)
