"""Schemas that override `load`: the user's code runs as it is, around the compiled load."""

import copy
import linecache
from collections.abc import Callable
from typing import Any

import pytest
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validate

from ingest.validation import compile_validator, explain_schema
from ingest.validation.engine.overrides import Overrides
from ingest.validation.engine.passing_on import passes_on
from ingest.validation.engine.source import Uncompiled

CALLS: list[Any] = []


class Base(Schema):
    name = fields.String(required=True, validate=validate.Length(max=5))
    age = fields.Integer(load_default=7)


class Plain(Base):
    def load(self, data: Any, **kwargs: Any) -> Any:
        return super().load(data, **kwargs)


class AnyArguments(Base):
    def load(self, *args: Any, **kwargs: Any) -> Any:
        """Says more than it does."""
        return super().load(*args, **kwargs)


class EveryOption(Base):
    def load(self, item: Any, *, many: Any = None, partial: Any = None, unknown: Any = None) -> Any:
        result = super().load(item, many=many, partial=partial, unknown=unknown)
        return result  # noqa: RET504 - as generators write it


class ManyLines(Base):
    def load(self, item: Any, *, many: Any = None, partial: Any = None, unknown: Any = None) -> Any:
        return super().load(
            item,
            many=many,
            partial=partial,
            unknown=unknown,
        )


class SomeOptions(Plain):
    def load(self, data: Any, many: bool | None = None, **kwargs: Any) -> Any:
        return super().load(data, many=many, **kwargs)


class PlainDoLoad(Base):
    def _do_load(self, data: Any, **kwargs: Any) -> Any:
        return super()._do_load(data, **kwargs)


class OtherDefault(Base):
    def load(self, data: Any, *, unknown: Any = EXCLUDE, **kwargs: Any) -> Any:
        return super().load(data, unknown=unknown, **kwargs)


class Swapped(Base):
    def load(self, data: Any, *, many: Any = None, partial: Any = None, unknown: Any = None) -> Any:
        return super().load(data, many=partial, partial=many, unknown=unknown)


class Forgetful(Base):
    def load(self, data: Any, **kwargs: Any) -> Any:
        super().load(data, **kwargs)


class TooFew(Base):
    def load(self, data: Any, *, many: Any = None) -> Any:
        return super().load(data, many=many)


class Dumping(Base):
    def load(self, data: Any, **kwargs: Any) -> Any:
        return super().dump(data, **kwargs)


class Making(Base):
    def load(self, data: Any, *, many: Any = None, **kwargs: Any) -> Any:
        CALLS.append(("load", repr(data), many, sorted(kwargs)))
        loaded = super().load(data, many=many, **kwargs)
        many = self.many if many is None else bool(many)
        return [tuple(each.values()) for each in loaded] if many else tuple(loaded.values())


class Catching(Making):
    def load(self, data: Any, **kwargs: Any) -> Any:
        try:
            return super().load(data, **kwargs)
        except ValidationError as error:
            raise ValidationError(
                {"caught": error.messages}, valid_data=error.valid_data
            ) from error


class Twice(Base):
    def load(self, data: Any, **kwargs: Any) -> Any:
        return super().load(data, **kwargs), super().load(data, unknown=EXCLUDE, partial=True)


class Stateful(Base):
    mode: Any = None
    limit = 3

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seen = 0

    def load(self, data: Any, *, mode: Any = None, **kwargs: Any) -> Any:
        self.mode = mode or self.chosen
        self.seen = len(self.renamed(data))
        return super().load(self.renamed(data), **kwargs)

    @property
    def chosen(self) -> Any:
        return f"mode {self.limit}"

    def renamed(self, data: Any) -> Any:
        return {key.lower(): value for key, value in dict(data).items()}

    @post_load
    def mark(self, data: Any, **kwargs: Any) -> Any:
        return {**data, "mode": self.mode, "seen": self.seen}


class DoLoad(Base):
    def _do_load(self, data: Any, **kwargs: Any) -> Any:
        CALLS.append(("_do_load", repr(data), sorted(kwargs.items(), key=repr)))
        return super()._do_load(data, **kwargs)


class Both(Making, DoLoad):
    pass


class Unprocessed(Base):
    def _do_load(self, data: Any, *, postprocess: Any = True, **kwargs: Any) -> Any:
        return super()._do_load(data, postprocess=False, **kwargs)

    @post_load
    def fail(self, data: Any, **kwargs: Any) -> Any:
        raise AssertionError("it is not called")


class WrongArguments(Base):
    def load(self, data: Any, **kwargs: Any) -> Any:
        return super().load(data, strange=1, **kwargs)


class SetsField(Base):
    def load(self, data: Any, **kwargs: Any) -> Any:
        self.fields["name"].required = "age" in data
        return super().load(data, **kwargs)


class SetsOption(Base):
    def load(self, data: Any, **kwargs: Any) -> Any:
        self.unknown = EXCLUDE
        return super().load(data, **kwargs)


class HandsItselfOn(Base):
    def load(self, data: Any, **kwargs: Any) -> Any:
        loosen(self)
        return super().load(data, **kwargs)


class SetsInMethod(Base):
    def load(self, data: Any, **kwargs: Any) -> Any:
        self.prepare(data)
        return super().load(data, **kwargs)

    def prepare(self, data: Any) -> None:
        self.load_fields["name"].allow_none = True


class SetsInProperty(Base):
    def load(self, data: Any, **kwargs: Any) -> Any:
        return super().load(data, **kwargs) | {"kind": self.kind}

    @property
    def kind(self) -> Any:
        setattr(self, "unknown", EXCLUDE)  # noqa: B010 - what is tested
        return "kind"


class Captured(Base):
    def load(self, data: Any, **kwargs: Any) -> Any:
        def inside() -> Any:
            self.partial = True

        inside()
        return super().load(data, **kwargs)


class Copied(Base):
    def load(self, data: Any, **kwargs: Any) -> Any:
        other = copy.copy(self)
        other.unknown = EXCLUDE
        return Base.load(other, data, **kwargs)


class OldSuper(Base):
    def load(self, data: Any, **kwargs: Any) -> Any:
        return super(OldSuper, self).load(data, **kwargs)  # noqa: UP008 - what is tested


class NoSuper(Base):
    def load(self, data: Any, **kwargs: Any) -> Any:
        return "own", sorted(kwargs)


class Renaming(Base):
    def load(self, data: Any, **kwargs: Any) -> Any:
        self = Base()  # noqa: F841 - what is tested
        return super().load(data, **kwargs)


def loosen(schema: Schema) -> None:
    schema.unknown = EXCLUDE


ITEMS: list[Any] = [
    {"name": "a"},
    {"name": "a", "age": "5"},
    {"name": "too long"},
    {"name": "a", "more": 1},
    {},
    {"name": None},
    {"NAME": "a"},
]
PASSING = (Plain, AnyArguments, EveryOption, ManyLines, SomeOptions, PlainDoLoad)
AROUND = (
    OtherDefault, Swapped, Forgetful, TooFew, Making, Catching, Twice, Stateful, DoLoad, Both,
    Unprocessed, WrongArguments,
)  # fmt: skip
LEFT = (
    Dumping, SetsField, SetsOption, HandsItselfOn, SetsInMethod, SetsInProperty, Captured, Copied,
    OldSuper, NoSuper, Renaming,
)  # fmt: skip


def outcome(load: Callable[[], Any]) -> Any:
    CALLS.clear()
    try:
        result = ("loaded", load())
    except ValidationError as error:
        result = ("invalid", error.messages, error.valid_data, repr(error.__cause__))
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be the same
        result = ("raised", type(error), str(error))
    return (*result, list(CALLS))


@pytest.mark.parametrize("cls", [*PASSING, *AROUND, *LEFT], ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("partial", [None, True, ("name",)], ids=str)
def test_every_override_gives_what_marshmallow_gives(cls: type[Schema], partial: Any) -> None:
    options = {} if partial is None else {"partial": partial}
    for item in ITEMS:
        ours, theirs = cls(), cls()
        validator = compile_validator(ours)
        expected = outcome(lambda: theirs.load(item, **options))  # noqa: B023
        assert outcome(lambda: validator.load(item, partial)) == expected  # noqa: B023
        attributes = ("mode", "seen", "unknown", "partial")
        for name in attributes:
            assert getattr(ours, name, None) == getattr(theirs, name, None)


@pytest.mark.parametrize("cls", [*PASSING, *AROUND, *LEFT], ids=lambda cls: cls.__name__)
def test_collections_too(cls: type[Schema]) -> None:
    ours, theirs = cls(many=True), cls(many=True)
    validator = compile_validator(ours)
    for items in (ITEMS[:2], ITEMS, [], {}, 5):
        expected = outcome(lambda: theirs.load(items))  # noqa: B023
        assert outcome(lambda: validator.load(items)) == expected  # noqa: B023


@pytest.mark.parametrize("cls", PASSING, ids=lambda cls: cls.__name__)
def test_what_only_passes_on_is_compiled_as_if_it_were_absent(cls: type[Schema]) -> None:
    assert {row.how for row in explain_schema(cls())} == {"compiled"}
    around = Schema.from_dict({"inside": fields.List(fields.Nested(cls))})()
    assert {row.how for row in explain_schema(around)} == {"compiled"}


@pytest.mark.parametrize("cls", AROUND, ids=lambda cls: cls.__name__)
def test_what_does_more_runs_around_the_compiled_load(cls: type[Schema]) -> None:
    schema = cls()
    assert Overrides.of(schema)
    assert not all(passes_on(schema, name) for name in ("load", "_do_load"))
    assert [row[:2] for row in explain_schema(schema)][-1] == ("", "called by the schema's own")
    assert "# 'name': String" in compile_validator(schema).source


@pytest.mark.parametrize("cls", LEFT, ids=lambda cls: cls.__name__)
def test_what_may_change_the_schema_is_left_to_marshmallow(cls: type[Schema]) -> None:
    with pytest.raises(Uncompiled, match="the schema overrides load, which "):
        Overrides.of(cls())
    assert compile_validator(cls()).source == ""


def test_an_override_is_run_once_an_item_around_a_load_without_marshmallow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    validator = compile_validator(Catching())
    assert validator.load({"name": "a"}) == ("a", 7)  # compiles for the options that are passed on

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("marshmallow was called")

    for name in ("load", "_deserialize"):
        monkeypatch.setattr(Schema, name, fail)
    CALLS.clear()
    assert validator.load_many([{"name": "a"}, {"name": "b"}]) == ([("a", 7), ("b", 7)], {})
    assert [call[0] for call in CALLS] == ["load", "load"]


class Narrowing(Base):
    """Passes on other options for each item."""

    def load(self, data: Any, **kwargs: Any) -> Any:
        return super().load(data, partial=[*data.get("without", ())], unknown=EXCLUDE)


def test_options_that_differ_from_item_to_item_are_not_compiled_without_end() -> None:
    schema = Narrowing()
    validator = compile_validator(schema)
    items = [{"name": "a", "without": [f"field{number}"]} for number in range(50)]
    items += [{"without": ["name"]}, {"without": []}, {}]
    for item in items:
        assert outcome(lambda: validator.load(item)) == outcome(lambda: schema.load(item))  # noqa: B023
    kept = [name for name in linecache.cache if "Narrowing" in name]
    assert len(kept) <= 1 + 8, "what is shown, and what is kept for options"


def test_a_list_of_names_may_be_changed_after_it_was_given() -> None:
    seen: list[Any] = []

    class Noting(Base):
        @post_load
        def note(self, data: Any, *, partial: Any, **kwargs: Any) -> Any:
            seen.append(list(partial))
            return data

    validator = compile_validator(Noting())
    names = ["name"]
    assert validator.load({}, names) == {"age": 7}
    names.append("age")
    assert validator.load({}, names) == {}
    assert validator.load({}, ["name"]) == {"age": 7}
    assert seen == [["name"], ["name", "age"], ["name"]]
