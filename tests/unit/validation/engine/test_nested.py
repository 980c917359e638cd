"""Nested schemas with code of the user's, and schemas that contain themselves."""

import linecache
from collections import OrderedDict
from typing import Any

import pytest
from marshmallow import (
    EXCLUDE,
    INCLUDE,
    Schema,
    ValidationError,
    fields,
    post_load,
    pre_load,
    validates,
    validates_schema,
)

from ingest.validation import compile_validator, explain_schema

CALLS: list[Any] = []
INSIDE = "calls marshmallow's field around compiled loads"


class Line(Schema):
    """Every hook, each with what it is called with."""

    sku = fields.String(required=True)
    price = fields.Float(data_key="Price", load_default=1.0)

    @pre_load
    def before(self, data: Any, **kwargs: Any) -> Any:
        CALLS.append(("before", id(self), repr(data), kwargs))
        if data == "text":
            raise ValidationError("No text.")
        return data["line"] if isinstance(data, dict) and "line" in data else data

    @pre_load(pass_collection=True)
    def before_all(self, data: Any, **kwargs: Any) -> Any:
        CALLS.append(("before_all", id(self), repr(data), kwargs))
        return data

    @validates("price")
    def positive(self, value: Any, **kwargs: Any) -> None:
        CALLS.append(("positive", id(self), value, kwargs))
        if value < 0:
            raise ValidationError("Negative.")

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def whole(self, data: Any, original: Any, **kwargs: Any) -> None:
        CALLS.append(("whole", id(self), repr(data), repr(original), kwargs))
        if data.get("price") == 13:
            raise ValidationError("Unlucky.", "price")

    @post_load(pass_original=True)
    def make(self, data: Any, original: Any, **kwargs: Any) -> Any:
        CALLS.append(("make", id(self), repr(data), repr(original), kwargs))
        if data["sku"] == "boom":
            raise KeyError("boom")
        return tuple(data.items())


class NoIndex(Line):
    class Meta:
        index_errors = False


class Upper(fields.String):
    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        CALLS.append(("upper", id(self), attr, kwargs))
        return super()._deserialize(value, attr, data, **kwargs).upper()


class Made(Schema):
    sku = Upper(required=True)

    def load(self, data: Any, *, many: Any = None, **kwargs: Any) -> Any:
        CALLS.append(("load", many, kwargs))
        loaded = super().load(data, many=many, **kwargs)
        many = self.many if many is None else bool(many)
        return [tuple(each.values()) for each in loaded] if many else tuple(loaded.values())


class Frozen(fields.List[Any]):
    """What marshmallow-dataclass and desert make of tuples."""

    kind: Any = tuple

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        return self.made(super()._deserialize(*args, **kwargs))

    def made(self, loaded: Any) -> Any:
        return self.kind(loaded)


class Looking(fields.List[Any]):
    """Looks at the field inside, which is left as it is."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        CALLS.append(id(self.inner))
        return super()._deserialize(value, attr, data, **kwargs)


class ById(fields.Nested):
    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, int):
            return {"id": value}
        return super()._deserialize(value, attr, data, **kwargs)


HOLDERS: dict[str, fields.Field[Any]] = {
    "one": fields.Nested(Line, allow_none=True),
    "instance": fields.Nested(Line(unknown=EXCLUDE, partial=True)),
    "part": fields.Nested(Line, only=("sku",), unknown=INCLUDE),
    "many": fields.Nested(Line, many=True),
    "many of a schema": fields.Nested(Line(many=True)),
    "no index": fields.Nested(NoIndex(many=True)),
    "list": fields.List(fields.Nested(Line), required=True),
    "list of lists": fields.List(fields.List(fields.Nested(Line))),
    "dict": fields.Dict(keys=fields.String(), values=fields.Nested(Line)),
    "tuple": fields.Tuple((fields.Nested(Line), fields.Integer(), Upper())),
    "pluck": fields.Pluck(Line, "sku"),
    "plucks": fields.Pluck(Line, "sku", many=True),
    "made": fields.Nested(Made),
    "made many": fields.Nested(Made, many=True),
    "made list": fields.List(fields.Nested(Made)),
    "frozen": Frozen(fields.Nested(Line)),
    "by id": ById(Made),
    "not there": fields.Nested("NotThereAnywhere"),
}
LEFT = {"not there"}

GOOD = {"sku": "a", "Price": "1.5"}
BAD = ({"sku": "a", "Price": -1}, {"sku": "a", "Price": 13}, {"sku": 5, "Price": "x"}, {}, 5, None)
VALUES = [
    GOOD, {"line": GOOD}, {**GOOD, "more": 1}, {"sku": "boom"}, "text", *BAD,
    [GOOD, GOOD], [GOOD, *BAD, GOOD], [], [[GOOD], [BAD[0]]], (GOOD,), {"k": GOOD, "l": BAD[0]},
    [GOOD, 1, "x"], [BAD[1], "y", 5], "a", ["a", "b"], [1],
]  # fmt: skip


def outcome(load: Any, item: Any) -> Any:
    CALLS.clear()
    try:
        result = ("loaded", repr(load(item)))
    except ValidationError as error:
        result = ("invalid", repr(error.messages), repr(error.valid_data))
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be the same
        result = ("raised", type(error), str(error))
    return (*result, list(CALLS))


def agree(schema: Schema, *items: Any, partial: Any = None) -> None:
    validator = compile_validator(schema)
    options = {} if partial is None else {"partial": partial}
    for item in items:
        expected = outcome(lambda each: schema.load(each, **options), item)
        assert outcome(lambda each: validator.load(each, partial), item) == expected, item


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("partial", [None, True, ("x.sku", "x")], ids=str)
def test_nested_code_runs_as_marshmallow_runs_it(holder: str, partial: Any) -> None:
    declared = {"before": Upper(), "x": HOLDERS[holder], "after": fields.Integer()}
    schema = Schema.from_dict(declared)()
    items = [{"before": "b", "x": value, "after": 1} for value in VALUES]
    agree(schema, *items, {"x": GOOD, "after": "no"}, {}, partial=partial)
    [row] = [row for row in explain_schema(schema) if row.field == "x"]
    assert row.how == ("calls marshmallow's field" if holder in LEFT else INSIDE)


def test_a_list_that_looks_at_what_is_inside_is_left_alone() -> None:
    schema = Schema.from_dict({"x": Looking(fields.Nested(Line))})()
    agree(schema, {"x": [GOOD, BAD[0]]}, {"x": 5})
    [row] = explain_schema(schema)
    assert row.how == "calls marshmallow's field"


def test_collections_load_as_marshmallow_loads_them() -> None:
    class Ordered(Line):
        dict_class = OrderedDict

    for schema in (Line(many=True), NoIndex(many=True), Ordered(many=True, unknown=INCLUDE)):
        agree(schema, [GOOD, *BAD], [GOOD], [], (GOOD,), {}, "x", None, [{**GOOD, "more": 1}])
        assert "# 'Price': Float" in compile_validator(schema).source


class Tree(Schema):
    name = Upper(required=True)
    below = fields.List(fields.Nested(lambda: Tree()))
    first = fields.Nested("Tree", allow_none=True)

    @post_load
    def make(self, data: Any, **kwargs: Any) -> Any:
        CALLS.append(("make", id(self), repr(data)))
        return data


def tree(depth: int, name: Any = "a") -> Any:
    inside = tree(depth - 1, name) if depth else None
    return {"name": name, "below": [{"name": "b"}, inside] if depth else [], "first": inside}


def test_schemas_that_contain_themselves() -> None:
    agree(Tree(), tree(0), tree(4), tree(4, 5), tree(1), {"name": "a", "below": [{"below": [{}]}]})
    for partial in (True, ("below.name", "name")):
        agree(Tree(), tree(3), {"below": [{"below": [{}]}]}, partial=partial)


class Endless(Schema):
    name = Upper(required=True)
    below = fields.List(fields.Nested(lambda: Endless()))
    first = fields.Nested(lambda: Endless(), allow_none=True)


def test_a_schema_that_contains_itself_is_compiled_no_deeper_than_it_is_used() -> None:
    def compiled() -> int:
        return sum("Endless" in name for name in linecache.cache)

    schema = Endless()
    validator = compile_validator(schema)
    assert compiled() == 1
    assert validator.load({"name": "a", "below": []}) == {"name": "A", "below": []}
    assert compiled() == 1
    assert validator.load({"name": "a", "first": {"name": "b"}})["first"] == {"name": "B"}
    assert compiled() == 2
    for depth in range(9):
        assert validator.load(tree(depth)) == schema.load(tree(depth))
    assert 20 < compiled() <= 1 + 64
