"""The same items in any of the five formats are the same records, indices and failures."""

import csv
import io
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from marshmallow import Schema, fields, validate

from ingest import Resource
from ingest.exactjson import dump_exact, load_exact
from ingest.formats import xml, yaml
from ingest.formats.compression import Decompressor
from ingest.formats.decoding import open_decoder
from ingest.formats.failure_columns import Columns
from ingest.formats.failure_files import CsvWriter
from ingest.formats.limits import Limits
from ingest.formats.negotiation import CSV, JSON, NDJSON, XML, YAML, BodyFormat
from ingest.model import Action, Chunk, Failure, Options
from ingest.validation.intake import Intake
from ingest.validation.items import ItemValidator
from tests.staged import MAX_VALUES, take_all

LIMITS = Limits(max_item=2**20, max_items=1000, max_nesting=32)


class Stage(Enum):
    lead = 1
    won = 2


class Address(Schema):
    city = fields.String(required=True, validate=validate.Length(max=5))
    zip = fields.Integer(strict=True)


class Thing(Schema):
    code = fields.Integer(required=True, strict=True)
    text = fields.String(data_key="the text")
    integer = fields.Integer()
    ratio = fields.Float(validate=validate.Range(-(10**6), 10**6))
    decimal = fields.Decimal()
    flag = fields.Boolean()
    day = fields.Date()
    moment = fields.AwareDateTime()
    stage = fields.Enum(Stage)
    value = fields.Enum(Stage, by_value=True)
    tags = fields.List(fields.String(validate=validate.Length(min=2)))
    counts = fields.List(fields.Integer(strict=True))
    address = fields.Nested(Address)
    addresses = fields.List(fields.Nested(Address))
    scores = fields.Dict(keys=fields.String(), values=fields.Integer(strict=True))
    anything = fields.Raw(allow_none=True)


THINGS = Resource("things", Thing, key="code")
# The good items of a batch are compared even beside bad ones.
OPTIONS = Options(lenient=True)
VALIDATORS = {
    action: ItemValidator(THINGS, action, OPTIONS) for action in (Action.CREATE, Action.UPDATE)
}

# What every format can say, and CSV: no nulls, nothing empty, texts only where texts are wanted.
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
    lambda text: text[0] not in "[{" and "\ufffe" not in text and "\uffff" not in text
)
LINES = st.sampled_from(["two\nlines", '"quoted"', "a;b,c|d\te", "=1+1", "'=x", "-5", " x ", "no"])
TEXTS = WORDS | LINES
INTEGERS = st.integers(-(2**66), 2**66) | st.integers(-9, 9)
WRONG = st.sampled_from(["x", "1,5", "12:30"])
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
DECIMALS = st.decimals(-(10**20), 10**20, places=3).map(str) | FLOATS
ADDRESSES = st.fixed_dictionaries({"city": TEXTS}, optional={"zip": INTEGERS | WRONG}) | (
    st.fixed_dictionaries({"zip": INTEGERS})
)
ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "code": INTEGERS | WRONG,
        "the text": TEXTS,
        "integer": INTEGERS | WRONG,
        "ratio": FLOATS | st.integers(-9, 9) | WRONG,
        "decimal": DECIMALS | WRONG,
        "flag": st.booleans() | st.sampled_from(["yes", "0", "maybe"]),
        "day": st.sampled_from(["2026-11-22", "2026-13-22", "soon"]),
        "moment": st.sampled_from(["2026-11-22T10:00:00Z", "2026-11-22T10:00:00"]),
        "stage": st.sampled_from(["lead", "lost"]),
        "value": st.sampled_from([1, 2, 3]),
        "tags": st.lists(TEXTS, min_size=1, max_size=3),
        "counts": st.lists(INTEGERS | WRONG, min_size=1, max_size=3),
        "address": ADDRESSES,
        "addresses": st.lists(ADDRESSES, min_size=1, max_size=2),
        "scores": st.dictionaries(st.sampled_from("abc"), INTEGERS | WRONG, min_size=1),
        "anything": TEXTS,
        "unknown": TEXTS,
    },
).filter(bool)
# What the other four can say beside.
ANYTHING = st.recursive(
    st.none() | st.booleans() | INTEGERS | FLOATS | TEXTS | st.just(""),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
MORE = st.dictionaries(st.sampled_from([*Thing().fields, "x"]), ANYTHING)
RICH = st.builds(lambda item, more: item | more, ITEMS, MORE) | ANYTHING
ACTIONS = st.sampled_from(list(VALIDATORS))


def submitted(
    body: bytes, media_type: str, action: Action, chunk: int = 11, **options: Any
) -> Chunk:
    decoder = open_decoder(BodyFormat(media_type, **options), THINGS, None, LIMITS)
    plain = Decompressor((), 2**20)
    intake = Intake(VALIDATORS[action], OPTIONS, max_values=MAX_VALUES)
    for start in range(0, len(body), chunk):
        for piece in plain.feed(body[start : start + chunk]):
            take_all(intake, decoder.feed(piece))
    take_all(intake, decoder.end())
    return intake.cut(last=True)


def result(found: Chunk) -> Any:
    """What decides on stored rows and on the answer. Members of an object have no order."""
    failures = [
        (
            failure.index,
            sorted((error.code.code, error.field or "", error.message) for error in failure.errors),
        )
        for failure in found.failures
    ]
    records = orjson.loads(found.records or b"[]")
    for record in records:
        if record.get("decimal") is not None:  # a text or a number: its digits are what is stored
            record["decimal"] = Decimal(str(record["decimal"])).as_tuple()
    return found.received, records, failures


def as_csv(items: list[Any]) -> bytes:
    """A CSV file as a client writes it, for what CSV can say."""
    failures = [Failure(index, item, []) for index, item in enumerate(items)]
    columns = Columns("code")
    columns.add(each.raw for each in failures)
    writer = CsvWriter(columns.names)
    rows = list(csv.reader(io.StringIO((writer.head + writer.page(failures)).decode(), newline="")))
    return _delimited(rows)


def _delimited(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(rows)
    return text.getvalue().encode()


def untyped_xml(items: list[Any]) -> bytes:
    """XML without types, as most clients write it."""
    inside = "".join(_element("thing", item) for item in items)
    return f'<?xml version="1.0"?>\n<things>{inside}</things>'.encode()


def typed_xml(items: list[Any]) -> bytes:
    """XML that leaves nothing to the schema."""
    root = etree.fromstring(xml.encode(items))
    for element in root.iter():
        if "type" not in element.attrib:
            element.set("type", "object" if len(element) else "string")
    return etree.tostring(root)


def _element(name: str, value: Any) -> str:
    start = f"field name={quoteattr(name)}" if " " in name else name
    if isinstance(value, Mapping):
        inside = "".join(_element(each, below) for each, below in value.items())
    elif isinstance(value, list):
        inside = "".join(_element("item", each) for each in value)
    else:
        text = value if isinstance(value, str) else dump_exact(value).decode()
        inside = escape(text, {"\r": "&#13;"})
    return f"<{start}>{inside}</{start.split()[0]}>"


@settings(max_examples=100, deadline=None)
@given(st.lists(ITEMS, min_size=1, max_size=5), ACTIONS)
def test_five_formats_one_result(items: list[Any], action: Action) -> None:
    wanted = result(submitted(dump_exact(items), JSON, action))
    ndjson = b"\n\n".join(map(dump_exact, items))
    assert result(submitted(ndjson, NDJSON, action)) == wanted
    assert result(submitted(xml.encode(items), XML, action)) == wanted
    assert result(submitted(untyped_xml(items), XML, action)) == wanted
    assert result(submitted(yaml.encode(load_exact(dump_exact(items))), YAML, action)) == wanted
    assert result(submitted(as_csv(items), CSV, action)) == wanted


@settings(max_examples=100, deadline=None)
@given(st.lists(RICH, min_size=1, max_size=4), ACTIONS)
def test_formats_with_types_give_the_same_items(items: list[Any], action: Action) -> None:
    items = load_exact(dump_exact(items))
    wanted = submitted(dump_exact(items), JSON, action)
    bodies = {
        NDJSON: b"\n" + b"\n".join(map(dump_exact, items)),
        XML: typed_xml(items),
        YAML: yaml.encode(items),
    }
    for media_type, body in bodies.items():
        found = submitted(body, media_type, action)
        assert result(found) == result(wanted), media_type
        assert [each.raw for each in found.failures] == [each.raw for each in wanted.failures]
        assert (found.raw and orjson.loads(found.raw)) == (wanted.raw and orjson.loads(wanted.raw))


@settings(max_examples=50, deadline=None)
@given(st.lists(ITEMS, min_size=1, max_size=5))
def test_failed_rows_come_back_as_they_were(items: list[Any]) -> None:
    """A file of failed rows, sent again as it is, fails with the same errors."""
    first = submitted(as_csv(items), CSV, Action.CREATE)
    if not first.failures:
        return
    decoder = open_decoder(BodyFormat(CSV), THINGS, None, LIMITS)
    decoder.feed(as_csv(items))
    decoder.end()
    assert decoder.columns is not None
    writer = CsvWriter(decoder.columns)
    file = writer.head + writer.page(first.failures) + writer.tail
    again = submitted(file, CSV, Action.CREATE)
    assert again.received == len(again.failures) == len(first.failures)
    for one, other in zip(first.failures, again.failures, strict=True):
        assert one.raw == other.raw
        assert list(one.errors) == list(other.errors)
