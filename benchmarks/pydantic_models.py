"""The benchmark's schemas as Pydantic v2 models, as near as Pydantic's own types come."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AnyUrl, AwareDatetime, BaseModel, ConfigDict, EmailStr, Field, create_model

from benchmarks.samples.generated import SPECS, Spec


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


Tag = Annotated[str, Field(min_length=1, max_length=50)]


class Contact(Strict):
    email: Annotated[EmailStr, Field(max_length=254)]
    first_name: Annotated[str, Field(min_length=1, max_length=100)]
    last_name: Annotated[str, Field(max_length=100)] | None = None
    company: Annotated[str, Field(max_length=200)] | None = None
    phone: Annotated[str, Field(pattern=r"^\+?[0-9 ().-]{3,30}$")] | None = None
    country: Annotated[str, Field(min_length=2, max_length=2)] | None = None
    age: Annotated[int, Field(strict=True, ge=0, le=150)] | None = None
    subscribed: bool | None = None
    tags: list[Tag] | None = None


class Person(Strict):
    id: uuid.UUID
    email: Annotated[EmailStr, Field(max_length=254)]
    first_name: Annotated[str, Field(min_length=1, max_length=100)]
    last_name: Annotated[str, Field(max_length=100)] | None = None
    age: Annotated[int, Field(strict=True, ge=0, le=150)] | None = None
    status: Literal["lead", "customer", "lost"] = "lead"
    tags: list[Annotated[str, Field(max_length=50)]] | None = None
    created_at: AwareDatetime | None = None
    score: Annotated[float, Field(allow_inf_nan=False)] | None = None


def _generated(name: str, specs: tuple[Spec, ...]) -> type[BaseModel]:
    fields = {spec.name: (_type(spec), ... if spec.required else None) for spec in specs}
    return create_model(name, __base__=Strict, **fields)


def _type(spec: Spec) -> Any:
    types = {
        "text": Annotated[str, Field(min_length=1, max_length=spec.most)],
        "choice": Literal[spec.choices or ("",)],
        "email": EmailStr,
        "integer": Annotated[int, Field(strict=True, ge=0, le=spec.most)],
        "float": float,
        "boolean": bool,
        "uuid": uuid.UUID,
        "date": dt.date,
        "time": AwareDatetime,
        "texts": Annotated[list[str], Field(max_length=spec.most)],
    }
    found = types.get(spec.kind) or _generated(spec.name.title(), spec.parts)
    if spec.kind == "objects":
        found = list[found]
    return found if spec.required and not spec.nullable else found | None


Generated = _generated("Generated", SPECS)


class Patch(Contact):
    email: Annotated[EmailStr, Field(max_length=254)] = ""
    first_name: Annotated[str, Field(min_length=1, max_length=100)] = ""


class Flat(Strict):
    name: str
    city: str
    note: str = ""


def _mixed_fields() -> dict[str, Any]:
    made: dict[str, Any] = {}
    for number in range(5):
        made[f"text{number}"] = (Annotated[str, Field(min_length=1, max_length=50)], ...)
        made[f"count{number}"] = (Annotated[int, Field(strict=True, ge=0)], 0)
        made[f"ratio{number}"] = (float, 0.0)
        made[f"flag{number}"] = (bool, False)
    return made | {
        "email": (EmailStr, ""),
        "site": (AnyUrl | None, None),
        "size": (Literal["small", "large"], "small"),
        "kind": (Literal["a", "b", "c"], "a"),
        "id": (uuid.UUID | None, None),
        "born": (dt.date | None, None),
        "labels": (list[str], []),
        "scores": (dict[str, float], {}),
        "point": (tuple[float, float], (0.0, 0.0)),
        "extra": (Any, None),
    }


class Line(Strict):
    sku: Annotated[str, Field(max_length=40)]
    quantity: Annotated[int, Field(strict=True, ge=1)]
    price: float


class Order(Strict):
    number: str
    lines: Annotated[list[Line], Field(min_length=1)]


class Payment(Strict):
    amount: Annotated[Decimal, Field(ge=0)]
    fee: Decimal = Decimal(0)
    booked_at: AwareDatetime
    value_date: dt.date | None = None
    due_on: dt.date | None = None
    cut_off: dt.time | None = None


MODELS: dict[str, type[BaseModel]] = {
    "person": Person,
    "contact": Contact,
    "generated": Generated,
    "flat": Flat,
    "mixed": create_model("Mixed", __base__=Strict, **_mixed_fields()),
    "nested": Order,
    "dates": Payment,
    "patch": Patch,
}
