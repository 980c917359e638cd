"""Validation of schemas with code of their users: the compiled load beside marshmallow's many=True.

    python -m benchmarks.user_code [--rounds N] [--items N] [SHAPE…]

Each shape is a contact with one kind of user code in it. Both load the same items in interleaved
rounds of one process; of each, the round that took the least processor time counts. "plain" is the
compiled load of the contact without that code. The goal: never slower than marshmallow's many=True.
"""

import argparse
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import marshmallow_dataclass
import sqlalchemy
from marshmallow import (
    EXCLUDE,
    Schema,
    ValidationError,
    fields,
    post_load,
    pre_load,
    validate,
    validates,
    validates_schema,
)
from marshmallow_oneofschema.one_of_schema import OneOfSchema
from marshmallow_sqlalchemy import SQLAlchemyAutoSchema
from sqlalchemy.orm import DeclarativeBase

from benchmarks.samples.sample import word
from benchmarks.schemas import contact, flat, order
from benchmarks.validation import marshmallow_many, microseconds
from ingest.examples.crm import ContactSchema
from ingest.validation import compile_validator

Make = Callable[[random.Random], dict[str, Any]]
SHAPES: dict[str, tuple[type[Schema], Make]] = {}


def shape(name: str, make: Make = contact) -> Callable[[type[Schema]], type[Schema]]:
    def add(schema: type[Schema]) -> type[Schema]:
        SHAPES[name] = schema, make
        return schema

    return add


SHAPES["plain"] = ContactSchema, contact


@shape("load that passes on")
class PassingOn(ContactSchema):
    def load(self, data: Any, **kwargs: Any) -> Any:
        return super().load(data, **kwargs)


@shape("load with every option")
class Options(ContactSchema):
    def load(self, data: Any, *, many: Any = None, partial: Any = None, unknown: Any = None) -> Any:
        return super().load(data, many=many, partial=partial, unknown=unknown)


@shape("load that passes on, 3 fields", flat)
class FlatPassingOn(Schema):
    name = fields.String(required=True)
    city = fields.String(required=True)
    note = fields.String()

    def load(self, data: Any, **kwargs: Any) -> Any:
        return super().load(data, **kwargs)


@dataclass
class Contact:
    email: str
    first_name: str
    last_name: str | None = None
    company: str | None = None
    phone: str | None = None
    country: str | None = None
    age: int | None = None
    subscribed: bool = False
    tags: list[str] | None = None


@shape("load that makes objects")
class Making(ContactSchema):
    def load(self, data: Any, *, many: Any = None, **kwargs: Any) -> Any:
        loaded = super().load(data, many=many, **kwargs)
        many = self.many if many is None else bool(many)
        if many:
            return [Contact(**each) for each in loaded]
        return Contact(**loaded)


@shape("load that keeps state")
class Stateful(ContactSchema):
    mode: Any = None

    def load(self, data: Any, *, mode: Any = None, **kwargs: Any) -> Any:
        self.mode = mode or self.mode
        try:
            return super().load(data, unknown=EXCLUDE, **kwargs)
        finally:
            self.mode = None


@shape("load that changes fields")
class Changing(ContactSchema):
    def load(self, data: Any, **kwargs: Any) -> Any:
        self.load_fields["email"].required = True
        return super().load(data, **kwargs)


@shape("post_load")
class PostLoad(ContactSchema):
    @post_load
    def make(self, data: Any, **kwargs: Any) -> Any:
        return data


@shape("every hook")
class Hooks(ContactSchema):
    @pre_load
    def before(self, data: Any, **kwargs: Any) -> Any:
        return data

    @validates("age")
    def adult(self, value: Any, **kwargs: Any) -> None:
        if value is not None and value < 0:
            raise ValidationError("no")

    @validates_schema
    def whole(self, data: Any, **kwargs: Any) -> None:
        if not data:
            raise ValidationError("no")

    @post_load
    def make(self, data: Any, **kwargs: Any) -> Any:
        return data


class Line(Schema):
    sku = fields.String(required=True, validate=validate.Length(max=40))
    quantity = fields.Integer(required=True, strict=True, validate=validate.Range(min=1))
    price = fields.Float(required=True)

    @validates_schema
    def whole(self, data: Any, **kwargs: Any) -> None:
        if data["price"] < 0:
            raise ValidationError("no", "price")

    @post_load
    def make(self, data: Any, **kwargs: Any) -> Any:
        return data


@shape("List(Nested) with hooks", order)
class Order(Schema):
    number = fields.String(required=True)
    lines = fields.List(fields.Nested(Line), required=True, validate=validate.Length(min=1))


@shape("Nested(many=True) with hooks", order)
class OrderMany(Schema):
    number = fields.String(required=True)
    lines = fields.Nested(Line, many=True, required=True)


def order_of_one(rng: random.Random) -> dict[str, Any]:
    made = order(rng)
    return {"number": made["number"], "line": made["lines"][0]}


@shape("Nested with hooks", order_of_one)
class OrderOne(Schema):
    number = fields.String(required=True)
    line = fields.Nested(Line, required=True)


class MadeLine(Schema):
    sku = fields.String(required=True)
    quantity = fields.Integer(required=True)
    price = fields.Float(required=True)

    def load(self, data: Any, *, many: Any = None, **kwargs: Any) -> Any:
        loaded = super().load(data, many=many, **kwargs)
        return [*loaded] if many else {**loaded}


@shape("List(Nested) with load", order)
class OrderMade(Schema):
    number = fields.String(required=True)
    lines = fields.List(fields.Nested(MadeLine), required=True)


class Clean(fields.String):
    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value, attr, data, **kwargs).strip()


@shape("String that calls super")
class Cleaning(ContactSchema):
    first_name = Clean(required=True, validate=validate.Length(min=1, max=100))
    last_name = Clean(allow_none=True)


@shape("List of such Strings")
class CleaningList(ContactSchema):
    tags = fields.List(Clean())


@shape("tree", lambda rng: tree(rng, 3))
class Tree(Schema):
    name = fields.String(required=True, validate=validate.Length(max=40))
    below = fields.List(fields.Nested(lambda: Tree()))


def tree(rng: random.Random, depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {"name": word(rng)}
    return made | {"below": [tree(rng, depth - 1) for _ in range(2)]} if depth else made


@shape("Function and Method", lambda rng: contact(rng) | {"score": "5", "group": word(rng)})
class Functions(ContactSchema):
    score = fields.Function(deserialize=int)
    group = fields.Method(deserialize="load_group")

    def load_group(self, value: Any) -> Any:
        return value.strip()


@shape("pre_load and post_load of fields")
class FieldHooks(ContactSchema):
    first_name = fields.String(required=True, pre_load=str.strip)
    company = fields.String(post_load=str.lower, validate=validate.Length(max=100))


@shape("validators")
class Validators(ContactSchema):
    age = fields.Integer(strict=True, validate=[validate.Range(0, 150), lambda value: value != 13])


Generated = marshmallow_dataclass.class_schema(Contact)
SHAPES["marshmallow-dataclass"] = Generated, contact


class Base(DeclarativeBase):
    pass


class Stored(Base):
    __tablename__ = "stored"
    name = sqlalchemy.Column(sqlalchemy.String(100), primary_key=True)
    city = sqlalchemy.Column(sqlalchemy.String(100))
    note = sqlalchemy.Column(sqlalchemy.String(100))


@shape("marshmallow-sqlalchemy", flat)
class Automatic(SQLAlchemyAutoSchema):  # type: ignore[type-arg]
    class Meta:
        model = Stored


class Square(Schema):
    side = fields.Float(required=True)


class Circle(Schema):
    radius = fields.Float(required=True)


@shape("marshmallow-oneofschema", lambda rng: {"type": "square", "side": rng.random()})
class Form(OneOfSchema):
    type_schemas = {"square": Square, "circle": Circle}  # noqa: RUF012


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("shapes", nargs="*", metavar="SHAPE")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--items", type=int, default=500)
    options = parser.parse_args()

    print(f"{'µs an item':<36}{'compiled':>10}{'many=True':>12}{'marshmallow takes':>20}")
    for name in options.shapes or SHAPES:
        schema, make = SHAPES[name]
        rng = random.Random(name)
        items = [make(rng) for _ in range(options.items)]
        validator = compile_validator(schema())
        plain = schema()
        assert repr(validator.load_many(items)) == repr((plain.load(items, many=True), {})), name
        runs = {
            "compiled": lambda: validator.load_many(items),  # noqa: B023
            "marshmallow": lambda: marshmallow_many(plain, items, None),  # noqa: B023
        }
        times = microseconds(runs, options.rounds, len(items))
        ratio = times["marshmallow"] / times["compiled"]
        print(
            f"{name:<36}{times['compiled']:>10.2f}{times['marshmallow']:>12.2f}"
            f"{ratio:>14.1f} times{'' if ratio >= 1 else '  SLOWER'}"
        )


if __name__ == "__main__":
    main()
