"""JSON Schema of values that code of a nested schema's own reads, checks, makes or shows."""

from typing import Any

import pytest
from marshmallow import (
    EXCLUDE,
    INCLUDE,
    Schema,
    ValidationError,
    fields,
    post_dump,
    post_load,
    pre_load,
    validate,
    validates,
    validates_schema,
)

from ingest import Resource
from ingest.describe.drawn import draw
from ingest.describe.json_schema import Kind, json_schema
from ingest.describe.notes import rules_of
from ingest.describe.own_code import ANYTHING, PREPARES, SHOWS
from tests.property.schema_oracle import Oracle

REFUSED = 13
NUMBER = {"type": "integer", "format": "int64"}


def refuse(data: Any, where: str) -> Any:
    """Refuse 13, wherever it stands, at a place that no client sent."""
    if str(REFUSED) in repr(data):
        raise ValidationError({where: ["Bad luck."]})
    return data


class Plain(Schema):
    n = fields.Integer()


class Loading(Plain):
    def load(self, data: Any, **options: Any) -> Any:
        return refuse(super().load(data, **options), "loaded")


class DoLoading(Plain):
    def _do_load(self, data: Any, **options: Any) -> Any:
        return refuse(super()._do_load(data, **options), "loaded")


class Deserializing(Plain):
    def _deserialize(self, data: Any, **options: Any) -> Any:
        return refuse(super()._deserialize(data, **options), "loaded")


def hooked(hook: Any, *, collection: bool) -> type[Schema]:
    """A schema with a hook that sees one object, or a list of them as a whole."""

    def seen(self: Schema, data: Any, **_: Any) -> Any:
        return refuse(data, "hooked")

    name = f"{hook.__name__}{'_all' if collection else ''}"
    return type(name, (Plain,), {"seen": hook(seen, pass_collection=collection)})


class Checking(Plain):
    @validates("n")
    def is_lucky(self, n: int, **_: Any) -> None:
        refuse(n, "checked")


CODE = [
    Loading, DoLoading, Deserializing, Checking,
    *(
        hooked(hook, collection=collection)
        for hook in (pre_load, post_load, validates_schema)
        for collection in (False, True)
    ),
]  # fmt: skip
ONE, PLUCKED = {"n": REFUSED}, REFUSED
PLACES: dict[str, tuple[Any, Any]] = {
    "nested": (lambda inner: fields.Nested(inner), ONE),
    "nested list": (lambda inner: fields.Nested(inner, many=True), [ONE]),
    "list of a schema": (lambda inner: fields.Nested(inner(many=True)), [ONE]),
    "list": (lambda inner: fields.List(fields.Nested(inner)), [ONE]),
    "list of lists": (lambda inner: fields.List(fields.Nested(inner, many=True)), [[ONE]]),
    "dict": (lambda inner: fields.Dict(values=fields.Nested(inner)), {"k": ONE}),
    "dict of lists": (lambda inner: fields.Dict(values=fields.Nested(inner, many=True)),
                      {"k": [ONE]}),
    "tuple": (lambda inner: fields.Tuple((fields.Nested(inner),)), [ONE]),
    "plucked": (lambda inner: fields.Pluck(inner, "n"), PLUCKED),
    "plucked list": (lambda inner: fields.Pluck(inner, "n", many=True), [PLUCKED]),
    "list of plucked": (lambda inner: fields.List(fields.Pluck(inner, "n")), [PLUCKED]),
}  # fmt: skip


def resource(field: fields.Field[Any]) -> Resource:
    return Resource("things", Schema.from_dict({"f": field}))


def of(field: fields.Field[Any], kind: Kind = Kind.CREATE) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a field becomes, and the definitions."""
    found: dict[str, Any] = json_schema(resource(field), kind, "")
    return found["properties"]["f"], found["$defs"]


def prepared(before: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """What is said of a value that code prepares."""
    return {**before, "$comment": PREPARES, "x-ingest": {"rules": [PREPARES], "prepared": said}}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("inner", CODE, ids=lambda inner: inner.__name__)
def test_code_that_refuses_is_named_wherever_its_schema_stands(
    inner: type[Schema], place: str
) -> None:
    field, value = PLACES[place]
    oracle = Oracle(resource(field(inner)))
    errors = oracle.errors(Kind.CREATE, {"f": value})
    assert errors
    assert oracle.takes(Kind.CREATE, {"f": value})
    assert not oracle.unexcused(Kind.CREATE, errors, {"f": value})


def test_an_override_sees_a_list_as_a_whole() -> None:
    said, definitions = of(fields.Nested(Loading, many=True))
    reference = {"$ref": "#/$defs/Loading"}
    assert said == prepared({"type": "array"}, {"type": "array", "items": reference})
    assert definitions["Loading"] == {
        "type": "object", "properties": {"n": NUMBER}, "additionalProperties": False,
    }  # fmt: skip
    said, definitions = of(fields.Nested(Loading))
    assert said == reference
    assert definitions["Loading"]["x-ingest"]["prepared"]["properties"] == {"n": NUMBER}


def test_hooks_see_a_list_or_the_objects_in_it() -> None:
    each, of_each = of(fields.Nested(hooked(pre_load, collection=False), many=True))
    assert each == {"type": "array", "items": {"$ref": "#/$defs/pre_load"}}
    assert of_each["pre_load"]["$comment"] == PREPARES
    whole, of_whole = of(fields.Nested(hooked(validates_schema, collection=True), many=True))
    assert whole["$comment"] == "Code of the schema's own checks the list as a whole: seen."
    assert "$comment" not in of_whole["validates_schema_all"]


def test_one_schema_is_defined_alone_and_in_lists() -> None:
    inner = hooked(pre_load, collection=True)
    both = Schema.from_dict({"one": fields.Nested(inner), "all": fields.Nested(inner, many=True)})
    definitions = json_schema(Resource("things", both), Kind.CREATE, "")["$defs"]
    assert definitions["pre_load_all"]["$comment"] == PREPARES
    assert definitions["pre_load_all2"]["properties"] == {"n": NUMBER}


def test_a_plucked_value_is_prepared_by_the_hooks_of_its_schema() -> None:
    alone, _ = of(fields.Pluck(hooked(pre_load, collection=False), "n"))
    assert alone == prepared({"type": ANYTHING}, NUMBER)
    each, _ = of(fields.Pluck(hooked(pre_load, collection=False), "n", many=True))
    assert each == {"type": "array", "items": prepared({}, NUMBER)}
    made, _ = of(fields.Pluck(hooked(post_load, collection=False), "n"))
    assert made["$comment"] == "Code of the schema's own has the last word on the object."


def test_how_errors_are_told_changes_nothing_of_what_is_taken() -> None:
    class Telling(Plain):
        def handle_error(self, error: ValidationError, data: Any, **_: Any) -> None:
            raise ValidationError({"told": error.messages})

    said, definitions = of(fields.Nested(Telling, many=True))
    assert said == {"type": "array", "items": {"$ref": "#/$defs/Telling"}}
    assert definitions["Telling"]["properties"] == {"n": NUMBER}
    assert "$comment" not in definitions["Telling"]


class Price(Schema):
    """Sent and shown as a text, such as 5 EUR."""

    amount = fields.Integer()
    currency = fields.String()

    @pre_load
    def read(self, data: Any, **_: Any) -> Any:
        amount, currency = data.split()
        return {"amount": int(amount), "currency": currency}

    @post_dump
    def write(self, data: Any, **_: Any) -> Any:
        return f"{data['amount']} {data['currency']}"


@pytest.mark.parametrize(
    ("field", "value"),
    [(fields.Nested(Price), "5 EUR"), (fields.Nested(Price, many=True), ["5 EUR", "6 EUR"])],
    ids=["one", "many"],
)
def test_what_hooks_read_and_write_need_not_be_an_object(
    field: fields.Field[Any], value: Any
) -> None:
    oracle = Oracle(resource(field))
    assert not oracle.errors(Kind.CREATE, {"f": value})
    shown = oracle.shown({"f": value})
    assert shown["f"] == value
    assert oracle.takes(Kind.CREATE, {"f": value})
    assert oracle.takes(Kind.ITEM, shown)
    assert not oracle.takes(Kind.CREATE, {"f": None})


def test_a_plucked_value_is_shown_as_the_hooks_of_its_schema_show_it() -> None:
    class Worded(Plain):
        @post_dump
        def write(self, data: Any, **_: Any) -> Any:
            return {"n": f"number {data['n']}"}

    oracle = Oracle(resource(fields.Pluck(Worded, "n")))
    shown = oracle.shown({"f": 5})
    assert shown["f"] == "number 5"
    assert oracle.takes(Kind.ITEM, shown)
    assert of(fields.Pluck(Worded, "n"), Kind.ITEM)[0]["$comment"] == SHOWS


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (
            fields.Nested(
                Schema.from_dict({"a": fields.Integer(load_default=1), "b": fields.Integer()}),
                validate=validate.Length(max=1),
            ),
            {"b": 1},
        ),
        (
            fields.Nested(
                hooked(pre_load, collection=True), many=True, validate=validate.Length(max=1)
            ),
            [{}, {}],
        ),
    ],
    ids=["a default", "a hook"],
)
def test_a_length_of_what_is_loaded_is_told_in_words(field: fields.Field[Any], value: Any) -> None:
    oracle = Oracle(resource(field))
    errors = oracle.errors(Kind.CREATE, {"f": value})
    assert errors
    assert oracle.takes(Kind.CREATE, {"f": value})
    assert not oracle.unexcused(Kind.CREATE, errors, {"f": value})
    assert "Its length is at most 1." in of(field)[0]["$comment"]


def test_an_example_is_of_what_a_hook_makes() -> None:
    found = json_schema(
        resource(fields.Nested(hooked(pre_load, collection=False))), Kind.CREATE, ""
    )
    assert draw(found)["f"].keys() == {"n"}


@pytest.mark.parametrize("unknown", [INCLUDE, EXCLUDE])
def test_a_method_checks_a_name_that_is_unknown_and_kept(unknown: str) -> None:
    class Reading(Schema):
        n = fields.Integer(dump_only=True)

        @validates("n")
        def is_lucky(self, n: Any, **_: Any) -> None:
            refuse(n, "checked")

    field, sent = fields.Nested(Reading, unknown=unknown), {"f": {"n": REFUSED}}
    oracle = Oracle(resource(field))
    errors = oracle.errors(Kind.CREATE, sent)
    assert bool(errors) == (unknown == INCLUDE)
    assert oracle.takes(Kind.CREATE, sent)
    assert not oracle.unexcused(Kind.CREATE, errors, sent)
    rules = [
        "n is kept as it is sent, shown as n, and must be fit for that.",
        "A rule of the schema's own, is_lucky, where there is n.",
    ]
    assert rules_of(of(field)[1]["Reading"]) == (rules if unknown == INCLUDE else [])


@pytest.mark.parametrize(
    "field",
    [fields.Integer(dump_only=True), fields.List(fields.Integer(), data_key="numbers")],
    ids=["only shown", "another name"],
)
def test_what_is_kept_for_a_field_must_be_fit_to_be_shown(field: fields.Field[Any]) -> None:
    reading = Schema.from_dict({"n": field})
    sent = {"n": "no number"}
    oracle = Oracle(Resource("things", reading(unknown=INCLUDE)))
    errors = oracle.errors(Kind.CREATE, sent)
    assert errors
    assert oracle.takes(Kind.CREATE, sent)
    assert not oracle.unexcused(Kind.CREATE, errors, sent)


def test_errors_without_an_index_are_of_an_element() -> None:
    class Unindexed(Checking):
        class Meta:
            index_errors = False

    oracle = Oracle(resource(fields.Nested(Unindexed, many=True)))
    sent = {"f": [{"n": REFUSED}]}
    errors = oracle.errors(Kind.CREATE, sent)
    assert [path for _, path in errors] == ["f.n.checked"]
    assert not oracle.unexcused(Kind.CREATE, errors, sent)
