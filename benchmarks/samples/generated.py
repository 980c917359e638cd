"""Items of a schema that is drawn from a seed: 20 mixed fields, an object, a list of objects.

`BENCHMARK_SCHEMA=7` draws another one.
"""

import os
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from marshmallow import Schema, fields, validate

from benchmarks.samples.sample import UNIQUE, Sample, word
from ingest import Resource

SEED = os.environ.get("BENCHMARK_SCHEMA", "1")
_FIELDS, _OBJECT_FIELDS = 20, 4
_ABSENT = 0.1  # of the fields that need not be there
_SCALARS = {
    "text": "text",
    "choice": "text",
    "email": "text",
    "integer": "bigint",
    "float": "double precision",
    "boolean": "boolean",
    "uuid": "uuid",
    "date": "date",
    "time": "timestamptz",
    "texts": "jsonb",
}
"""Kinds of fields, and the types of their columns."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A field of the schema.

    Args:
        most: the longest text, the greatest integer, or the most texts of a list.
        choices: the texts that are allowed, where the kind is "choice".
        parts: the fields of the object, or of each object of the list ("object", "objects").
    """

    name: str
    kind: str
    required: bool
    nullable: bool
    most: int = 0
    choices: tuple[str, ...] = ()
    parts: "tuple[Spec, ...]" = ()


def _specs(rng: random.Random, count: int) -> tuple[Spec, ...]:
    kinds = [*_SCALARS] * (count // len(_SCALARS)) + rng.sample([*_SCALARS], count % len(_SCALARS))
    rng.shuffle(kinds)
    made = []
    for number, kind in enumerate(kinds):
        choices = tuple(word(rng) for _ in range(rng.randint(2, 6))) if kind == "choice" else ()
        nullable = rng.random() < 0.3
        most = rng.randint(12, 300) if kind != "texts" else rng.randint(3, 6)
        required = rng.random() < 0.5
        made.append(Spec(f"{word(rng, 2, 9)}_{number}", kind, required, nullable, most, choices))
    return tuple(made)


def _whole(rng: random.Random) -> tuple[Spec, ...]:
    parts = [_specs(rng, _OBJECT_FIELDS) for _ in range(2)]
    return (
        *sorted(_specs(rng, _FIELDS), key=lambda spec: _SCALARS[spec.kind] == "jsonb"),
        Spec("owner", "object", True, False, parts=parts[0]),
        Spec("lines", "objects", True, False, parts=parts[1]),
    )


SPECS = _whole(random.Random(SEED))
"""The fields of the schema; those that are kept as JSON are the last."""


def _schema(name: str, specs: tuple[Spec, ...]) -> type[Schema]:
    return Schema.from_dict({spec.name: _field(spec) for spec in specs}, name=name)


def _field(spec: Spec) -> fields.Field[Any]:
    common: dict[str, Any] = {"required": spec.required, "allow_none": spec.nullable}
    at_most = validate.Length(max=spec.most)
    match spec.kind:
        case "text":
            return fields.String(validate=validate.Length(min=1, max=spec.most), **common)
        case "choice":
            return fields.String(validate=validate.OneOf(spec.choices), **common)
        case "email":
            return fields.Email(**common)
        case "integer":
            rule = validate.Range(min=0, max=spec.most)
            return fields.Integer(strict=True, validate=rule, **common)
        case "float":
            return fields.Float(**common)
        case "boolean":
            return fields.Boolean(**common)
        case "uuid":
            return fields.UUID(**common)
        case "date":
            return fields.Date(**common)
        case "time":
            return fields.AwareDateTime(format="iso", **common)
        case "texts":
            return fields.List(fields.String(), validate=at_most, **common)
    nested = fields.Nested(_schema(spec.name.title(), spec.parts))
    if spec.kind == "objects":
        return fields.List(nested, **common)
    nested.required = spec.required
    return nested


def draw(rng: random.Random, specs: tuple[Spec, ...] = SPECS) -> dict[str, Any]:
    return {
        spec.name: _value(rng, spec) for spec in specs if spec.required or rng.random() > _ABSENT
    }


def _value(rng: random.Random, spec: Spec) -> Any:
    if spec.nullable and rng.random() < _ABSENT:
        return None
    match spec.kind:
        case "text":
            return word(rng, 1, min(spec.most, 20))
        case "choice":
            return rng.choice(spec.choices)
        case "email":
            return f"{UNIQUE}@{word(rng)}.org"
        case "integer":
            return rng.randint(0, spec.most)
        case "float":
            return rng.random()
        case "boolean":
            return rng.random() < 0.5
        case "uuid":
            return str(UUID(int=rng.getrandbits(128), version=4))
        case "date":
            return str(date(1950, 1, 1) + timedelta(days=rng.randrange(20_000)))
        case "time":
            moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randrange(10**8))
            return moment.isoformat().replace("+00:00", "Z")
        case "texts":
            return [word(rng) for _ in range(rng.randint(0, spec.most))]
        case "object":
            return draw(rng, spec.parts)
    return [draw(rng, spec.parts) for _ in range(rng.randint(1, 4))]


generated = Resource("generated", _schema("Generated", SPECS))
SAMPLE = Sample(
    generated,
    draw,
    {SPECS[-1].name: None},
    {spec.name: _SCALARS.get(spec.kind, "jsonb") for spec in SPECS},
)
