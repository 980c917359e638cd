"""The benchmark's schemas as msgspec types. msgspec has no e-mail address and no URL: a pattern
stands for the one, a plain string for the other."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, convert, defstruct, json

from benchmarks.samples.generated import SPECS, Spec

__all__ = ["TYPES", "TYPES_BY_COLLECTION", "convert", "json"]

Email = Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]


class Contact(Struct, forbid_unknown_fields=True):
    email: Email
    first_name: Name
    last_name: Annotated[str, Meta(max_length=100)] | None = None
    company: Annotated[str, Meta(max_length=200)] = ""
    phone: Annotated[str, Meta(pattern=r"^\+?[0-9 ().-]{3,30}$")] = ""
    country: Annotated[str, Meta(min_length=2, max_length=2)] = ""
    age: Annotated[int, Meta(ge=0, le=150)] = 0
    subscribed: bool = False
    tags: list[Annotated[str, Meta(min_length=1, max_length=50)]] = []


class Person(Struct, forbid_unknown_fields=True):
    id: uuid.UUID
    email: Email
    first_name: Name
    last_name: Annotated[str, Meta(max_length=100)] | None = None
    age: Annotated[int, Meta(ge=0, le=150)] = 0
    status: Literal["lead", "customer", "lost"] = "lead"
    tags: list[Annotated[str, Meta(max_length=50)]] = []
    created_at: Annotated[dt.datetime, Meta(tz=True)] | None = None
    score: float = 0.0


def _generated(name: str, specs: tuple[Spec, ...]) -> type[Struct]:
    ordered = sorted(specs, key=lambda spec: not spec.required)
    return defstruct(
        name,
        [(spec.name, _type(spec), *([] if spec.required else [None])) for spec in ordered],
        forbid_unknown_fields=True,
    )


def _type(spec: Spec) -> Any:
    types = {
        "text": Annotated[str, Meta(min_length=1, max_length=spec.most)],
        "choice": Literal[spec.choices or ("",)],
        "email": Email,
        "integer": Annotated[int, Meta(ge=0, le=spec.most)],
        "float": float,
        "boolean": bool,
        "uuid": uuid.UUID,
        "date": dt.date,
        "time": Annotated[dt.datetime, Meta(tz=True)],
        "texts": Annotated[list[str], Meta(max_length=spec.most)],
    }
    found = types.get(spec.kind) or _generated(spec.name.title(), spec.parts)
    if spec.kind == "objects":
        found = list[found]
    return found if spec.required and not spec.nullable else found | None


class Patch(Struct, forbid_unknown_fields=True):
    email: Email = ""
    first_name: Name = ""
    last_name: Annotated[str, Meta(max_length=100)] | None = None
    company: Annotated[str, Meta(max_length=200)] = ""
    age: Annotated[int, Meta(ge=0, le=150)] = 0


class Flat(Struct, forbid_unknown_fields=True):
    name: str
    city: str
    note: str = ""


def _mixed_fields() -> list[Any]:
    made: list[Any] = [
        (f"text{number}", Annotated[str, Meta(min_length=1, max_length=50)]) for number in range(5)
    ]
    for number in range(5):
        made.append((f"count{number}", Annotated[int, Meta(ge=0)], 0))
        made.append((f"ratio{number}", float, 0.0))
        made.append((f"flag{number}", bool, False))
    return [
        *made,
        ("email", Email, ""),
        ("site", str, ""),
        ("size", Literal["small", "large"], "small"),
        ("kind", Literal["a", "b", "c"], "a"),
        ("id", uuid.UUID | None, None),
        ("born", dt.date | None, None),
        ("labels", list[str], []),
        ("scores", dict[str, float], {}),
        ("point", tuple[float, float], (0.0, 0.0)),
        ("extra", Any, None),
    ]


class Line(Struct, forbid_unknown_fields=True):
    sku: Annotated[str, Meta(max_length=40)]
    quantity: Annotated[int, Meta(ge=1)]
    price: float


class Order(Struct, forbid_unknown_fields=True):
    number: str
    lines: Annotated[list[Line], Meta(min_length=1)]


class Payment(Struct, forbid_unknown_fields=True):
    amount: Decimal
    booked_at: Annotated[dt.datetime, Meta(tz=True)]
    fee: Decimal = Decimal(0)
    value_date: dt.date | None = None
    due_on: dt.date | None = None
    cut_off: dt.time | None = None


TYPES: dict[str, Any] = {
    "person": Person,
    "contact": Contact,
    "generated": _generated("Generated", SPECS),
    "flat": Flat,
    "mixed": defstruct("Mixed", _mixed_fields(), forbid_unknown_fields=True),
    "nested": Order,
    "dates": Payment,
    "patch": Patch,
}
TYPES_BY_COLLECTION = {
    "people": TYPES["person"],
    "contacts": TYPES["contact"],
    "generated": TYPES["generated"],
}
