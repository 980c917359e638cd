"""The compiled validator as its users see it: source, tracebacks, partial, what it leaves alone."""

import gc
import linecache
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from marshmallow import INCLUDE, Schema, ValidationError, fields, post_load, validate

from ingest.examples.airports import airports
from ingest.examples.crm import ContactSchema, DealSchema
from ingest.validation import compile_validator
from ingest.validation.engine import known

CONTACT = {
    "email": "jim@example.com",
    "first_name": "Jim",
    "last_name": None,
    "company": "ACME",
    "phone": "+49 30 1234567",
    "country": "DE",
    "age": 42,
    "subscribed": True,
    "tags": ["a", "b"],
}
DEAL = {
    "title": "A deal",
    "value": "12.50",
    "stage": "won",
    "contact_id": "12345678-1234-5678-1234-567812345678",
    "expected_on": "2024-02-29",
    "closed_at": "2024-02-29T12:00:00Z",
}


class LineSchema(Schema):
    sku = fields.String(required=True)
    prices = fields.Dict(keys=fields.String(), values=fields.Decimal())


class OrderSchema(Schema):
    class Meta:
        unknown = INCLUDE

    number = fields.Integer(required=True, data_key="no")
    lines = fields.List(fields.Nested(LineSchema(unknown="exclude")), attribute="all.lines")
    first = fields.Pluck(LineSchema, "sku")
    pair = fields.Tuple((fields.Float(), fields.Raw()))
    at = fields.NaiveDateTime(format="%d.%m.%Y")
    site = fields.URL(load_default="http://example.com")


ORDER = {
    "no": "12",
    "lines": [{"sku": "a", "prices": {"EUR": 1}, "more": 1}, {"sku": "b"}],
    "first": "c",
    "pair": [1, {"any": "thing"}],
    "at": "31.12.2024",
    "x.y": 1,
}


@pytest.fixture
def no_marshmallow(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Forbids marshmallow every part of a load, once it is called."""

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("marshmallow was called")

    def forbid() -> None:
        for name in ("load", "_do_load", "_deserialize"):
            monkeypatch.setattr(Schema, name, fail)
        for name in ("deserialize", "_deserialize", "_validate"):
            monkeypatch.setattr(fields.Field, name, fail)

    return forbid


@pytest.mark.parametrize(
    ("schema", "item", "partial"),
    [
        (ContactSchema(), CONTACT, None),
        (ContactSchema(), {"age": 3}, frozenset(ContactSchema().load_fields)),
        (ContactSchema(), {"tags": []}, True),
        (DealSchema(), DEAL, None),
        (OrderSchema(), ORDER, None),
        (airports.schema, {"iata": "TXL", "name": "Tegel"}, True),
    ],
)
def test_valid_items_never_touch_marshmallow(
    schema: Schema, item: Any, partial: Any, no_marshmallow: Callable[[], None]
) -> None:
    expected = schema.load(item, partial=partial)
    validator = compile_validator(schema)
    validator.load(item, partial)  # compiles for this partial
    no_marshmallow()
    assert validator.load(item, partial) == expected


def test_an_invalid_item_gets_marshmallows_messages() -> None:
    item = {**CONTACT, "email": "jim", "age": True, "more": 1}
    with pytest.raises(ValidationError) as theirs:
        ContactSchema().load(item)
    with pytest.raises(ValidationError) as ours:
        compile_validator(ContactSchema()).load(item)
    assert ours.value.messages == theirs.value.messages
    assert ours.value.valid_data == theirs.value.valid_data
    assert ours.value.data is item
    assert ours.value.__context__ is None


def test_load_many_tells_results_and_messages_by_index() -> None:
    validator = compile_validator(DealSchema())
    loaded, errors = validator.load_many(iter([DEAL, {}, 5, DEAL]))
    assert loaded == [DealSchema().load(DEAL)] * 2
    assert errors == {
        1: {
            "title": ["Missing data for required field."],
            "value": ["Missing data for required field."],
        },
        2: {"_schema": ["Invalid input type."]},
    }


def test_load_many_takes_single_items_of_a_schema_for_collections() -> None:
    validator = compile_validator(LineSchema(many=True))
    assert validator.load([{"sku": "a"}]) == [{"sku": "a"}]
    assert validator.load_many([{"sku": "a"}, {}]) == (
        [{"sku": "a"}],
        {1: {"sku": ["Missing data for required field."]}},
    )


class ShakySchema(Schema):
    name = fields.String()
    number = fields.Function(deserialize=int)

    @post_load
    def check(self, data: Any, **kwargs: Any) -> Any:
        if data.get("name") == "boom":
            raise KeyError("boom")
        return data


def test_load_many_goes_on_after_an_exception_of_the_users_code() -> None:
    items = [{"name": "a"}, {"name": "boom"}, {"number": "x"}, {"name": 5}, {"number": "6"}]
    loaded, errors = compile_validator(ShakySchema()).load_many(items)
    assert loaded == [{"name": "a"}, {"number": 6}]
    assert list(errors) == [1, 2, 3]
    assert (type(errors[1]), errors[1].args) == (KeyError, ("boom",))
    assert (type(errors[2]), str(errors[2])) == (
        ValueError,
        "invalid literal for int() with base 10: 'x'",
    )
    assert errors[3] == {"name": ["Not a valid string."]}
    with pytest.raises(KeyError):
        compile_validator(ShakySchema()).load(items[1])


def test_the_source_is_readable_and_named_after_the_schema() -> None:
    source = compile_validator(ContactSchema()).source
    assert source.startswith("def load_ContactSchema(item):\n")
    assert "# 'first_name': String" in source


HOSTILE_NAMES = (
    "'\"\\",
    "a\nimport os",
    "x'] = 1\n    raise SystemExit\n#",
    "{value_1}",
    "%s",
    "\u2028",
    "é",
    "\ud800",
    "",
)


def test_names_enter_the_source_as_quoted_literals_only() -> None:
    declared: dict[str, Any] = {
        name: fields.String(data_key=name + "k", attribute=name + "a", load_default=name)
        for name in HOSTILE_NAMES
    }
    declared["choice"] = fields.String(validate=validate.OneOf(list(HOSTILE_NAMES)))
    declared["date"] = fields.DateTime(format="'\n\"%Y")
    declared["plucked"] = fields.Pluck(
        Schema.from_dict({"%s{}": fields.Raw(data_key="'%s{}")}), "%s{}"
    )
    cls = Schema.from_dict(declared, name="Odd\n(): raise SystemExit #")
    schema = cls()
    validator = compile_validator(schema)
    assert validator.source.isascii()
    assert validator.source.startswith("def load_Odd_____raise_SystemExit__(item):")
    for item in ({}, {name + "k": "v" for name in HOSTILE_NAMES} | {"plucked": 1}):
        assert validator.load(item) == schema.load(item)


def test_tracebacks_show_the_generated_source() -> None:
    def broken(value: str) -> None:
        raise RuntimeError("broken rule")

    schema = Schema.from_dict({"name": fields.String(validate=broken)}, name="BrokenSchema")()
    with pytest.raises(RuntimeError) as caught:
        compile_validator(schema).load({"name": "x"})
    shown = "".join(traceback.format_exception(caught.value))
    assert "in load_BrokenSchema" in shown
    assert "check_1(value_1)" in shown


def test_a_schema_is_compiled_once_for_each_partial() -> None:
    validator = compile_validator(ContactSchema())
    before = set(linecache.cache)
    for _ in range(3):
        validator.load_many([CONTACT], partial=("email",))
    assert len(set(linecache.cache) - before) == 1


def test_another_release_of_marshmallow_does_everything_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known, "INSTALLED", "4.5.0")
    schema = ContactSchema()
    validator = compile_validator(schema)
    assert validator.source == ""
    items = [CONTACT, {**CONTACT, "age": "x"}, 5]
    loaded, errors = validator.load_many(items)
    assert loaded == [schema.load(CONTACT)]
    assert set(errors) == {1, 2}
    assert errors[1] == {"age": ["Not a valid integer."]}


def test_the_source_is_forgotten_with_the_validator() -> None:
    schema = Schema.from_dict({"name": fields.String()}, name="ForgottenSchema")()
    validator = compile_validator(schema)
    kept = [name for name in linecache.cache if "ForgottenSchema" in name]
    assert kept
    del validator
    gc.collect()
    assert not [name for name in linecache.cache if "ForgottenSchema" in name]


class PersonSchema(Schema):
    name = fields.String(required=True)
    age = fields.Integer(load_default=7)
    home = fields.Nested(Schema.from_dict({"city": fields.String(required=True)}))


class CountedSchema(PersonSchema):
    pass


def _generated_names() -> Iterator[str]:
    yield "name"


@pytest.mark.parametrize(
    "partial",
    [
        None,
        False,
        True,
        1,
        0,
        "name",
        ("name",),
        ["name"],
        {"name"},
        frozenset({"name", "home.city"}),
        ["home.city"],
        [],
        {"name": True},
        [1],
        [["name"]],
    ],
    ids=lambda partial: type(partial).__name__,
)
@pytest.mark.parametrize("own", [None, True, False, ("name",)])
def test_partial_is_what_marshmallow_takes(partial: Any, own: Any) -> None:
    schema = PersonSchema(partial=own)
    validator = compile_validator(schema)
    for item in ({}, {"name": "a"}, {"home": {}}, {"name": "a", "home": {}}):
        for _ in range(2):
            assert _outcome(lambda: validator.load(item, partial)) == _outcome(  # noqa: B023
                lambda: schema.load(item, partial=partial)  # noqa: B023
            )


def test_a_partial_that_can_be_read_only_once_is_left_to_marshmallow() -> None:
    validator = compile_validator(PersonSchema())
    names: Any = _generated_names()
    assert validator.load({}, names) == PersonSchema().load({}, partial=_generated_names())


def test_true_and_one_are_different_partials() -> None:
    validator = compile_validator(PersonSchema())
    anything: Any = 1
    assert validator.load({}, True) == {}
    with pytest.raises(ValidationError):
        validator.load({}, anything)


def test_schemas_that_double_at_each_level_do_not_explode() -> None:
    cls = Schema.from_dict({"end": fields.Integer()})
    item: dict[str, Any] = {"end": 1}
    for _ in range(20):
        cls = Schema.from_dict({"left": fields.Nested(cls), "right": fields.Nested(cls)})
        item = {"left": item}
    schema = cls()
    validator = compile_validator(schema)
    assert len(validator.source.splitlines()) < 10_000
    assert validator.load(item) == schema.load(item)


def test_no_more_than_so_many_functions_are_kept() -> None:
    validator = compile_validator(CountedSchema())
    for number in range(200):
        assert validator.load({}, ("name", str(number))) == {"age": 7}
    gc.collect()
    kept = [name for name in linecache.cache if "CountedSchema" in name]
    assert len(kept) <= 1 + 64, "that without `partial`, and the others"


def _outcome(load: Callable[[], Any]) -> Any:
    try:
        return "loaded", load()
    except ValidationError as error:
        return "invalid", error.messages
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be the same
        return "raised", type(error)
