"""Typed items at the edges of what a type can say: nothing else than marshmallow is to be heard."""

from typing import Any

import msgspec
import pytest
from marshmallow import Schema, fields, validate

from ingest import Resource
from ingest.errors import MalformedBody
from ingest.exactjson import load_exact
from ingest.formats.limits import Limits
from ingest.formats.ndjson import NdjsonDecoder
from ingest.model import Action, Options, Resolution
from ingest.validation.engine.typed.items import TypedItems
from ingest.validation.items import ItemValidator
from tests.property.record_outcomes import compare_typed, outcome

LIMITS = Limits(max_item=10_000, max_items=100, max_nesting=32)


def compared(
    field: fields.Field[Any], values: list[Any], options: Options | None = None, **how: Any
) -> int:
    """How many of the items with one of these values are typed; all are what they have to be."""
    resource = Resource("things", Schema.from_dict({"a": field}), **how)
    fast, reference = (
        ItemValidator(resource, Action.CREATE, options or Options()) for _ in range(2)
    )
    reference.accept = reference.write = reference.typed = None
    return compare_typed(fast, reference, [{"a": value} for value in values], 1)


@pytest.mark.parametrize(
    "rule",
    [
        validate.URL(schemes={"https"}),
        validate.URL(schemes={"ftp"}),
        validate.URL(relative=True, absolute=False),
    ],
)
def test_an_address_of_another_kind_is_not_taken_for_a_plain_one(rule: validate.URL) -> None:
    values = ["http://a.org", "https://a.org", "ftp://a.org", "/a", "https://a.org/x?y#z"]
    assert compared(fields.String(validate=rule), values)


@pytest.mark.parametrize("rule", [validate.Length(max=0), validate.Length(equal=0)])
def test_only_nothing_has_no_length(rule: validate.Length) -> None:
    assert compared(fields.String(validate=rule), ["", "a"]) == 1


@pytest.mark.parametrize(
    "field",
    [
        fields.String(validate=validate.Length(max=-1)),
        fields.String(validate=validate.Length(min=10**30)),
        fields.String(validate=validate.Length(max=10**30)),
        fields.Integer(validate=validate.Range(min=10**30)),
        fields.Integer(validate=validate.Range(max=-(10**30))),
        fields.Integer(validate=validate.Range(min=2**63 - 1, min_inclusive=False)),
        fields.String(validate=[validate.OneOf(["a"]), validate.Range(min=1)]),
        fields.String(validate=validate.OneOf(["a", "\ud800"])),
    ],
)
def test_a_rule_that_no_type_can_say_leaves_its_schema_to_the_other_engines(field: Any) -> None:
    assert compared(field, ["a", 1]) == 0


def test_a_choice_is_no_longer_than_an_index_can_hold() -> None:
    choices = fields.String(required=True, validate=validate.OneOf(["a", "x" * 2_000]))
    assert compared(choices, ["a", "x" * 2_000, "b"], key="a") == 1
    long = fields.String(required=True, validate=validate.OneOf(["a", "x" * 3_000]))
    assert compared(long, ["a", "x" * 3_000], key="a") == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (fields.List(fields.Integer()), [1] * 99_998),
        (
            fields.Dict(keys=fields.String(), values=fields.Integer()),
            {f"{n}": 1 for n in range(99_998)},
        ),
        (fields.List(fields.List(fields.Integer())), [[1] * 315] * 316),
    ],
)
def test_a_typed_item_holds_no_more_values_than_an_item_may(field: Any, value: Any) -> None:
    more = {**value, "more": 1} if isinstance(value, dict) else [*value, value[0]]
    assert compared(field, [type(value)(), value, more])


def test_an_upsert_does_not_carry_the_key_that_a_database_makes() -> None:
    schema = Schema.from_dict(
        {"id": fields.Integer(dump_only=True), "a": fields.String(required=True)}
    )
    resource = Resource("things", schema, unique=["a"])
    for resolution in Resolution:
        options = Options(resolution=resolution, matching="a")
        fast, reference = (ItemValidator(resource, Action.CREATE, options) for _ in range(2))
        reference.accept = reference.write = reference.typed = None
        assert compare_typed(fast, reference, [{"a": "x"}, {"a": "y"}], 1) == 2


def typed_of(**declared: fields.Field[Any]) -> TypedItems:
    resource = Resource("things", Schema.from_dict(declared))
    typed = ItemValidator(resource, Action.CREATE, Options()).typed
    assert isinstance(typed, TypedItems)
    return typed


def test_levels_are_those_of_the_deepest_body() -> None:
    inner = Schema.from_dict({"numbers": fields.List(fields.Integer()), "b": fields.String()})
    assert typed_of(a=fields.String()).levels == 2
    assert typed_of(a=fields.Nested(inner), b=fields.String()).levels == 4
    assert typed_of(a=fields.Nested(inner(many=True), many=True)).levels == 5
    numbers = fields.Dict(keys=fields.String(), values=fields.List(fields.Integer()))
    assert typed_of(a=numbers).levels == 4


@pytest.mark.parametrize(
    "body",
    [
        '{"a":"x"}\n{"a":"y"}\r\n{"a":"z"}',
        '\n \n{"a":"x"}\n\n\t\n{"a":"y"}\n\r\n',
        '{"a":"x"}{"a":"y"}\n',
        '{"a":"x"}\r{"a":"y"}\n',
        '{"a":"x"}{"a":"y"}\n{"a":\n"z"}\n',
        '{"a":"x"\n}\n{"b":[{}\n{}]}\n',
        '{"a":"x"}\x0b\n',
        '\x0c\n{"a":"x"}\n',
        '{"a":"}\n{"}\n',
        '{"a":"x"}\n{"a":' + "[" * 31 + "]" * 31 + "}\n",
        '{"a":"x"}\n{"a":' + "[" * 300 + "]" * 300 + "}\n",
        '{"a":"x"}\n{"a":5}\n',
        '{"a":"[x"}\n{"a":5}\n',
        '{"index":0,"item":{"a":"x"},"errors":[]}\n{"a":"y"}\n',
        '{"index":0,"rawData":"{","errors":[{"code":42204}]}\n',
        '{"a":"x"}\n{"a":1e400}\n',
        '\ufeff{"a":"x"}\n\ufeff{"a":"y"}\n',
        "5\nnull\n[]\n",
    ],
)
def test_typed_lines_are_the_lines_that_there_are(body: str) -> None:
    typed = typed_of(a=fields.String())
    read = [_plain(each, typed) for each in _read(body.encode(), typed)]
    assert read == _read(body.encode(), None)


def _read(body: bytes, typed: TypedItems | None) -> list[Any]:
    decoder = NdjsonDecoder(LIMITS, typed=typed)
    return [*decoder.feed(body), *decoder.end(), decoder.line]


def _plain(item: Any, typed: TypedItems) -> Any:
    return load_exact(msgspec.json.encode(item)) if typed.is_typed(item) else item


@pytest.mark.parametrize(
    "field", [fields.List(fields.Date()), fields.Dict(keys=fields.String(), values=fields.Date())]
)
def test_what_a_whole_dump_is_given_is_kept_beside_its_json(field: Any) -> None:
    field.dump_default = None
    resource = Resource("things", Schema.from_dict({"a": field}))
    fast, reference = (ItemValidator(resource, Action.CREATE, Options()) for _ in range(2))
    reference.accept = reference.write = None
    day = "2024-01-31"
    items = [{"a": [day] if isinstance(field, fields.List) else {"b": day}}]
    assert outcome(fast, items, 1) == outcome(reference, items, 1)
    assert b"$exact" in outcome(fast, items, 1)[2][0]


def test_a_long_body_lets_others_have_their_turn() -> None:
    typed = ItemValidator(
        Resource("things", Schema.from_dict({"a": fields.Email()})), Action.CREATE, Options()
    ).typed
    assert typed is not None
    body = b"[%b]" % b",".join([b'{"a":"a@b.co"}'] * 1_600)
    turns = []
    assert len(typed.decode(body, lambda: turns.append(None)) or ()) == 1_600
    assert len(turns) >= 3

    def gone() -> None:
        raise MalformedBody("The client went away")

    with pytest.raises(MalformedBody):
        typed.decode(body, gone)
