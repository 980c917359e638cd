"""A schema of every kind of field, and CSV bodies of its items."""

from enum import Enum
from typing import Any, ClassVar

import pytest
from marshmallow import Schema, fields

from ingest import Resource
from ingest.errors import MalformedBody
from ingest.formats.csv import CsvDecoder
from ingest.formats.limits import Limits
from ingest.formats.negotiation import CSV, BodyFormat
from ingest.formats.shapes import item_shape

LIMITS = Limits(max_item=2**20, max_items=10, max_nesting=6)


class Size(Enum):
    small = 1
    large = "L"


class Rank(Enum):
    first = 1
    last = 9


class Inner(Schema):
    city = fields.String()
    zip = fields.Integer(strict=True)
    inner = fields.Nested(lambda: Inner())


class Everything(Schema):
    text = fields.String(data_key="the text")
    strict = fields.Integer(strict=True)
    integer = fields.Integer()
    number = fields.Float()
    decimal = fields.Decimal()
    boolean = fields.Boolean()
    size = fields.Enum(Size, by_value=True)
    rank = fields.Enum(Rank, by_value=fields.Integer(strict=True))
    tags = fields.List(fields.String())
    counts = fields.List(fields.Integer(strict=True))
    pair = fields.Tuple((fields.String(), fields.Integer(strict=True)))
    scores = fields.Dict(keys=fields.String(), values=fields.Integer(strict=True))
    address = fields.Nested(Inner)
    addresses = fields.List(fields.Nested(Inner))
    many = fields.Nested(Inner, many=True)
    cities = fields.Pluck(Inner, "zip", many=True)
    anything = fields.Raw()

    class Meta:
        include: ClassVar = {"a.b": fields.Integer(strict=True)}


RESOURCE = Resource("things", Everything)
SHAPE = item_shape(RESOURCE)


def decoder_of(limits: Limits = LIMITS, **options: Any) -> CsvDecoder:
    return CsvDecoder(SHAPE, limits, BodyFormat(CSV, **options))


def decoded(
    body: bytes | str, chunk: int = 5, limits: Limits = LIMITS, **options: Any
) -> list[Any]:
    data = body.encode() if isinstance(body, str) else body
    decoder = decoder_of(limits, **options)
    found = []
    for start in range(0, len(data), chunk):
        found += decoder.feed(data[start : start + chunk])
    return found + decoder.end()


def refused(body: bytes | str, **options: Any) -> MalformedBody:
    found = []
    for chunk in (1, 7, 10**6):
        with pytest.raises(MalformedBody) as error:
            decoded(body, chunk, **options)
        found.append((error.value.message, error.value.description))
    assert len(set(found)) == 1
    return error.value


def one(**cells: str) -> Any:
    """The item of one row of these cells."""
    names = ",".join(name.replace("__", ".") for name in cells)
    (item,) = decoded(names + "\n" + ",".join(f'"{cell}"' for cell in cells.values()))
    return item
