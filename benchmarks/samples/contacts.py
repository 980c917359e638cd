"""The contact of the small CRM: nine fields that JSON has types for, and a key by the server."""

import random
from typing import Any

from benchmarks.samples.sample import UNIQUE, Sample, word
from ingest import Resource
from ingest.examples.crm import ContactSchema

contacts = Resource("contacts", ContactSchema, unique=["email"])


def draw(rng: random.Random) -> dict[str, Any]:
    return {
        "email": f"{word(rng)}.{UNIQUE}@{word(rng)}.example.com",
        "first_name": word(rng).title(),
        "last_name": word(rng).title(),
        "company": f"{word(rng).title()} Ltd",
        "phone": f"+49 30 {rng.randrange(10**7):07}",
        "country": rng.choice(["DE", "FR", "US", "JP"]),
        "age": rng.randrange(18, 90),
        "subscribed": rng.random() < 0.5,
        "tags": [word(rng) for _ in range(rng.randrange(4))],
    }


SAMPLE = Sample(
    contacts,
    draw,
    {"age": "old"},
    {
        "email": "text NOT NULL UNIQUE",
        "first_name": "text NOT NULL",
        "last_name": "text",
        "company": "text",
        "phone": "text",
        "country": "text",
        "age": "bigint",
        "subscribed": "boolean",
        "tags": "jsonb",
    },
)
