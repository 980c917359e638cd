"""The contact that users really send: a UUID of the client's, a choice, a time, a float.

Its time has milliseconds and an offset, and its score two decimals. Every claim of
docs/benchmarks.md is about it.
"""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from benchmarks.samples.sample import KEY, UNIQUE, Sample, word
from ingest import Resource

_STATUSES = ["lead", "customer", "lost"]
_FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)


class PersonSchema(Schema):
    class Meta:
        unknown = RAISE

    id = fields.UUID(required=True)
    email = fields.Email(required=True, validate=validate.Length(max=254))
    first_name = fields.String(required=True, validate=validate.Length(min=1, max=100))
    last_name = fields.String(allow_none=True, validate=validate.Length(max=100))
    age = fields.Integer(strict=True, validate=validate.Range(min=0, max=150))
    status = fields.String(validate=validate.OneOf(_STATUSES), load_default="lead")
    tags = fields.List(fields.String(validate=validate.Length(max=50)))
    created_at = fields.AwareDateTime(format="iso")
    score = fields.Float(allow_nan=False)


people = Resource("people", PersonSchema, unique=["email"])


def draw(rng: random.Random) -> dict[str, Any]:
    created = _FIRST_DAY + timedelta(milliseconds=rng.randrange(10**11))
    return {
        "id": KEY,
        "email": f"{UNIQUE}@customers.example.com",
        "first_name": word(rng).title(),
        "last_name": word(rng).title(),
        "age": rng.randrange(18, 90),
        "status": rng.choice(_STATUSES),
        "tags": [word(rng) for _ in range(rng.randrange(4))],
        "created_at": created.isoformat(timespec="milliseconds"),
        "score": round(100 * rng.random(), 2),
    }


SAMPLE = Sample(
    people,
    draw,
    {"age": "old"},
    {
        "id": "uuid PRIMARY KEY",
        "email": "text NOT NULL UNIQUE",
        "first_name": "text NOT NULL",
        "last_name": "text",
        "age": "bigint",
        "status": "text",
        "created_at": "timestamptz",
        "score": "double precision",
        "tags": "jsonb",
    },
)
