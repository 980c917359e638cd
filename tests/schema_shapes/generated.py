"""Schemas that packages make of dataclasses and of tables."""

import dataclasses
from typing import Any, Optional

import desert
import marshmallow_dataclass
import sqlalchemy as sa
from marshmallow import fields
from marshmallow_sqlalchemy import SQLAlchemyAutoSchema, SQLAlchemySchema, auto_field
from sqlalchemy.orm import declarative_base

from tests.schema_shapes.shape import Bad, Shape
from tests.schema_shapes.values import Colour


@marshmallow_dataclass.dataclass
class Building:
    key: str
    height: float = 1.0
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Tower:
    key: str
    height: float
    note: Optional[str] = None  # noqa: UP045 - desert knows no other


Base: Any = declarative_base()


class Connection(Base):
    __tablename__ = "connections"

    id = sa.Column(sa.Integer, primary_key=True)
    conn_id = sa.Column(sa.String(10), nullable=False, unique=True)
    port, cost = sa.Column(sa.Integer), sa.Column(sa.Numeric(10, 2))
    on, made = sa.Column(sa.Boolean, default=True), sa.Column(sa.DateTime)
    data, color = sa.Column(sa.JSON), sa.Column(sa.Enum(Colour))
    blob = sa.Column(sa.LargeBinary)


class Dicts(SQLAlchemyAutoSchema):  # type: ignore[misc]
    class Meta:
        model, exclude = Connection, ("blob",)


class Chosen(SQLAlchemySchema):  # type: ignore[misc]
    class Meta:
        model = Connection

    connection_id, port = auto_field("conn_id", required=True), auto_field()
    password = fields.String(load_only=True)
    extra = fields.Method("show", deserialize="read", allow_none=True)

    @staticmethod
    def show(obj: Any) -> Any:
        return obj.get("extra")

    @staticmethod
    def read(value: Any) -> Any:
        return value


class Instances(SQLAlchemyAutoSchema):  # type: ignore[misc]
    class Meta:
        model, exclude = Connection, ("blob",)
        load_instance, transient = True, True


SHAPES = [
    Shape(
        "buildings",
        Building.Schema,  # type: ignore[attr-defined]
        key="key",
        items=[{"key": "a", "height": 2, "tags": ["x"]}, {"key": "b"}],
        changes=[(0, {"key": "a", "height": 3})],
        bad=[Bad({"height": "x"}, [(42201, "key"), (42203, "height")])],
    ),
    Shape(
        "towers",
        desert.schema(Tower),
        key="key",
        items=[{"key": "a", "height": 2}],
        changes=[(0, {"key": "a", "height": 3})],
        bad=[Bad({"height": "x"}, [(42201, "key"), (42203, "height")])],
    ),
    Shape(
        "dicts",
        Dicts,
        items=[
            {
                "id": 1,
                "conn_id": "a",
                "port": 5,
                "cost": "1.25",
                "on": False,
                "data": {"a": [1]},
                "color": "red",
            }
        ],
        changes=[(0, {"id": 1, "port": 6})],
        bad=[
            Bad(
                {"conn_id": "x" * 11, "port": "x", "color": "q"},
                [(42206, "conn_id"), (42203, "port"), (42207, "color"), (42201, "id")],
            )
        ],
    ),
    Shape(
        "chosens",
        Chosen,
        key="connection_id",
        items=[{"connection_id": "a", "port": 5, "password": "p", "extra": "{}"}],
        changes=[(0, {"connection_id": "a", "port": 7})],
        bad=[Bad({}, [(42201, "connection_id")])],
    ),
    Shape(
        "instances",
        Instances,
        items=[{"id": 1, "conn_id": "a", "port": 5}],
        changes=[(0, {"id": 1, "port": 7})],
        bad=[Bad({"conn_id": None}, [(42202, "conn_id"), (42201, "id")])],
    ),
]
