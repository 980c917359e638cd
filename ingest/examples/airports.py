"""Airports, keyed by their IATA (or FAA) code."""

from marshmallow import Schema, fields, validate

from ingest.resources.resource import Resource


class AirportSchema(Schema):
    iata = fields.String(required=True, validate=validate.Regexp(r"[A-Z0-9]{3,4}\Z"))
    name = fields.String(required=True, validate=validate.Length(min=1, max=200))
    city = fields.String(allow_none=True, validate=validate.Length(max=100))
    state = fields.String(allow_none=True, validate=validate.Length(max=2))
    country = fields.String(required=True, validate=validate.Length(min=1, max=100))
    latitude = fields.Float(required=True, validate=validate.Range(-90, 90))
    longitude = fields.Float(required=True, validate=validate.Range(-180, 180))


airports = Resource("airports", AirportSchema, key="iata", rpc_id=3)
