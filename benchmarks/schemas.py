"""The schemas of the validation benchmark, and items for them."""

import enum
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields, validate

from benchmarks.samples import contacts, generated, people
from benchmarks.samples.sample import word
from ingest.examples.crm import ContactSchema


@dataclass(frozen=True)
class Case:
    """A schema, how to make a valid item, and what to spoil in it."""

    name: str
    schema: type[Schema]
    make: Callable[[random.Random], dict[str, Any]]
    spoil: dict[str, Any]
    partial: Any = None

    def items(self, count: int, invalid: float) -> list[dict[str, Any]]:
        """Items of which a share is invalid, evenly spread."""
        rng = random.Random(self.name)
        made = [self.make(rng) for _ in range(count)]
        if invalid:
            for index in range(0, count, round(1 / invalid)):
                made[index] |= self.spoil
        return made


contact = contacts.SAMPLE.one


class FlatSchema(Schema):
    name = fields.String(required=True)
    city = fields.String(required=True)
    note = fields.String()


def flat(rng: random.Random) -> dict[str, Any]:
    return {"name": word(rng), "city": word(rng), "note": word(rng)}


class Size(enum.Enum):
    small = "S"
    large = "L"


def _mixed_fields() -> dict[str, fields.Field[Any]]:
    made: dict[str, fields.Field[Any]] = {}
    for number in range(5):
        made[f"text{number}"] = fields.String(required=True, validate=validate.Length(1, 50))
        made[f"count{number}"] = fields.Integer(strict=True, validate=validate.Range(min=0))
        made[f"ratio{number}"] = fields.Float()
        made[f"flag{number}"] = fields.Boolean(load_default=False)
    made |= {
        "email": fields.Email(),
        "site": fields.URL(),
        "size": fields.Enum(Size),
        "kind": fields.String(validate=validate.OneOf(["a", "b", "c"])),
        "id": fields.UUID(),
        "born": fields.Date(),
        "labels": fields.List(fields.String()),
        "scores": fields.Dict(keys=fields.String(), values=fields.Float()),
        "point": fields.Tuple((fields.Float(), fields.Float())),
        "extra": fields.Raw(),
    }
    return made


MixedSchema = Schema.from_dict(_mixed_fields(), name="MixedSchema")


def mixed(rng: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for number in range(5):
        made[f"text{number}"] = word(rng)
        made[f"count{number}"] = rng.randrange(1000)
        made[f"ratio{number}"] = rng.random()
        made[f"flag{number}"] = rng.random() < 0.5
    return made | {
        "email": f"{word(rng)}@{word(rng)}.org",
        "site": f"https://{word(rng)}.example.com/{word(rng)}",
        "size": rng.choice(["small", "large"]),
        "kind": rng.choice("abc"),
        "id": f"{rng.getrandbits(128):032x}",
        "born": f"{rng.randrange(1950, 2010)}-0{rng.randrange(1, 9)}-1{rng.randrange(9)}",
        "labels": [word(rng), word(rng)],
        "scores": {word(rng): rng.random() for _ in range(2)},
        "point": [rng.random(), rng.random()],
        "extra": {"any": [1, 2]},
    }


class LineSchema(Schema):
    sku = fields.String(required=True, validate=validate.Length(max=40))
    quantity = fields.Integer(required=True, strict=True, validate=validate.Range(min=1))
    price = fields.Float(required=True)


class OrderSchema(Schema):
    number = fields.String(required=True)
    lines = fields.List(fields.Nested(LineSchema), required=True, validate=validate.Length(min=1))


def order(rng: random.Random) -> dict[str, Any]:
    lines = [
        {"sku": word(rng), "quantity": rng.randrange(1, 9), "price": rng.random()}
        for _ in range(rng.randrange(2, 7))
    ]
    return {"number": word(rng), "lines": lines}


class PaymentSchema(Schema):
    amount = fields.Decimal(required=True, validate=validate.Range(min=0))
    fee = fields.Decimal(places=2)
    booked_at = fields.AwareDateTime(required=True)
    value_date = fields.Date()
    due_on = fields.Date(allow_none=True)
    cut_off = fields.Time()


def payment(rng: random.Random) -> dict[str, Any]:
    day = f"2024-0{rng.randrange(1, 9)}-1{rng.randrange(9)}"
    return {
        "amount": f"{rng.randrange(10**6)}.{rng.randrange(10, 99)}",
        "fee": f"{rng.randrange(100)}.5",
        "booked_at": f"{day}T1{rng.randrange(9)}:30:00+00:00",
        "value_date": day,
        "due_on": rng.choice([None, day]),
        "cut_off": "17:30:00",
    }


def patch(rng: random.Random) -> dict[str, Any]:
    whole = contact(rng)
    return {name: whole[name] for name in ("email", "company", "age")}


CASES = (
    Case("person", people.PersonSchema, people.SAMPLE.one, {"age": "old"}),
    Case("contact", ContactSchema, contact, {"age": "old"}),
    Case("flat", FlatSchema, flat, {"city": 5}),
    Case("mixed", MixedSchema, mixed, {"kind": "d"}),
    Case("nested", OrderSchema, order, {"number": None}),
    Case("dates", PaymentSchema, payment, {"value_date": "2024-02-30"}),
    Case(
        "generated",
        type(generated.generated.schema),
        generated.SAMPLE.one,
        dict(generated.SAMPLE.spoil),
    ),
    Case("patch", ContactSchema, patch, {"age": 200}, frozenset(ContactSchema().load_fields)),
)
