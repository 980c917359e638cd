"""Schemas that other packages generate."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import desert
import marshmallow_dataclass
import pytest
import sqlalchemy as sa
from marshmallow import Schema, ValidationError, fields
from marshmallow_oneofschema import OneOfSchema
from marshmallow_sqlalchemy import SQLAlchemyAutoSchema, SQLAlchemySchema, auto_field
from sqlalchemy.orm import DeclarativeBase, Session

from ingest.validation import compile_validator, explain_schema
from ingest.validation.engine import packages


@dataclasses.dataclass
class Room:
    name: str
    area: float = 1.0


@dataclasses.dataclass
class Building:
    key: str
    height: float = 1.0
    tags: list[str] = dataclasses.field(default_factory=list)
    rooms: Sequence[Room] = ()
    floors: set[int] = dataclasses.field(default_factory=set)
    main: Room | None = None


@dataclasses.dataclass
class Tower:
    key: str
    height: float
    rooms: tuple[Room, ...] = ()


class Base(DeclarativeBase):
    pass


class Connection(Base):
    __tablename__ = "connections"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(10), nullable=False)
    port = sa.Column(sa.Integer)

    def __repr__(self) -> str:
        return f"Connection({self.id}, {self.name!r}, {self.port})"


class Auto(SQLAlchemyAutoSchema):  # type: ignore[type-arg]
    class Meta:
        model = Connection


class Chosen(SQLAlchemySchema):  # type: ignore[type-arg]
    class Meta:
        model = Connection

    title = auto_field("name")
    port = auto_field()


class Instances(SQLAlchemyAutoSchema):  # type: ignore[type-arg]
    class Meta:
        model = Connection
        load_instance = True
        transient = True


class Stored(SQLAlchemyAutoSchema):  # type: ignore[type-arg]
    class Meta:
        model = Connection
        load_instance = True


class Overridden(Auto):
    def load(self, data: Any, **kwargs: Any) -> Any:
        return {"overridden": super().load(data, **kwargs)}


class Passing(Auto):
    def load(self, data: Any, **kwargs: Any) -> Any:
        return super().load(data, transient=True, **kwargs)


class OwnSession(Stored):
    @property
    def session(self) -> Any:
        return None


class Foo(Schema):
    foo = fields.String(required=True)


class Bar(Schema):
    bar = fields.Integer(required=True)


class Either(OneOfSchema):
    type_schemas = {"foo": Foo, "bar": Bar}  # noqa: RUF012


CONNECTION = {"id": 1, "name": "a", "port": "5"}
CASES: dict[str, tuple[type[Schema], list[Any]]] = {
    "marshmallow-dataclass": (
        marshmallow_dataclass.class_schema(Building),
        [
            {"key": "a"},
            {"key": "a", "rooms": [{"name": "r"}, {"name": "q", "area": "3"}], "floors": [1, 1]},
            {"key": "a", "main": {"name": "m"}},
            {"key": "a", "main": {}, "rooms": [{"name": "r"}, {"area": 1}], "height": "x"},
            {"rooms": 5},
        ],
    ),
    "desert": (
        desert.schema_class(Tower),
        [
            {"key": "a", "height": 1, "rooms": [{"name": "r"}, {"name": "q"}]},
            {"key": "a", "rooms": [{"name": "r"}, {}]},
            {"key": 5, "height": 1, "rooms": "x"},
        ],
    ),
    "automatic": (Auto, [CONNECTION, {"name": "too long to be one", "port": "x"}, {}]),
    "chosen": (Chosen, [{"title": "a"}, {"title": None, "port": 5.5}, {"name": "a"}]),
    "instances": (Instances, [CONNECTION, {"name": None}, {"id": 5, "name": "b"}]),
    "without a session": (Stored, [CONNECTION, {}]),
    "with a session of its own": (OwnSession, [CONNECTION, {}]),
    "with more arguments": (Passing, [CONNECTION, {}, {"name": 5}]),
    "overridden": (Overridden, [CONNECTION, {}, {"name": 5}]),
    "one of": (Either, [{"type": "foo", "foo": "x"}, {"type": "bar", "bar": "x"}, {"type": 1}, {}]),
}
COMPILED = {
    "with more arguments",
    "automatic",
    "chosen",
    "instances",
    "overridden",
    "marshmallow-dataclass",
    "desert",
}


def outcome(load: Any, item: Any) -> Any:
    try:
        return "loaded", repr(load(item))
    except ValidationError as error:
        return "invalid", repr(error.messages), repr(error.valid_data)
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be the same
        return "raised", type(error), str(error)


@pytest.mark.parametrize("case", CASES)
def test_generated_schemas_load_as_they_do(case: str) -> None:
    schema, items = CASES[case]
    around = {"one": fields.Nested(schema), "list": fields.List(fields.Nested(schema))}
    nested = [{"one": item, "list": [items[0], item]} for item in items]
    for each, given in ((schema, items), (Schema.from_dict(around), nested)):
        validator = compile_validator(each())
        expected = [outcome(each().load, item) for item in given]
        assert [outcome(validator.load, item) for item in given] == expected
        loaded, errors = validator.load_many(given)
        assert list(map(repr, loaded)) == [text for how, text, *_ in expected if how == "loaded"]
        assert len(loaded) + len(errors) == len(given)
    assert bool(compile_validator(schema()).source) == (case in COMPILED)


def test_a_session_is_used_where_there_is_one() -> None:
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Connection(id=1, name="stored", port=1))
        session.flush()
        validator = compile_validator(Stored(session=session))
        assert "# 'port': Integer" in validator.source
        loaded = validator.load({"id": 1, "name": "changed"})
        assert loaded is session.get(Connection, 1)
        assert repr(loaded) == "Connection(1, 'changed', 1)"
        assert repr(validator.load({"id": 2, "name": "new"})) == "Connection(2, 'new', None)"
    engine.dispose()


def test_an_instance_that_is_given_is_loaded_into_once() -> None:
    given = Connection(id=9, name="given")
    validator = compile_validator(Instances(instance=given))
    assert validator.load(CONNECTION) is given
    assert validator.load(CONNECTION) is not given


def test_other_releases_are_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {row.how for row in explain_schema(Auto())} == {"compiled", "calls the schema's methods"}
    monkeypatch.setattr(packages, "version", lambda _: "1.7.0")
    assert {row.how for row in explain_schema(Auto())} == {"whole item left to marshmallow"}
