"""Generated schemas, served: what is stored and shown of their items is what marshmallow says.

FUZZ_SHAPES says how many schemas there are (64 where it is not set), FUZZ_SEED which is the first.
"""

import asyncio
import os
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as effort
from marshmallow import fields, missing

from ingest.processes.valkey import EmbeddedValkey
from ingest.settings import Settings
from tests.databases import copied
from tests.property.shown_schemas import shapes
from tests.schema_shapes.shape import Shape
from tests.schema_shapes.story import tell

SHAPES = int(os.environ.get("FUZZ_SHAPES", "64"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
_AT_ONCE = 64
_KNOWN = {"error_messages", "name", "parent", "root"}
_EXAMPLES = 2  # the first one that Hypothesis tries is the simplest


@pytest.mark.timeout(0)
def test_generated_schemas_show_what_marshmallow_says(
    postgres_url: str, valkey_server: EmbeddedValkey
) -> None:
    wrong: list[str] = []
    for start in range(0, SHAPES, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, SHAPES))
        drawn = [drawn_shape(SEED + number) for number in numbers]
        wrong += asyncio.run(_compare(postgres_url, valkey_server.url, drawn))
    assert not wrong, "\n\n".join(wrong)


def drawn_shape(number: int) -> Shape:
    """The shape of a number, always the same."""
    drawn: list[Shape] = []

    @hypothesis.seed(number)
    @effort(
        max_examples=_EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(shapes(number))
    def draw(shape: Shape) -> None:
        drawn.append(shape)

    draw()
    return drawn[-1]


async def _compare(postgres_url: str, redis_url: str, drawn: list[Shape]) -> list[str]:
    """What is wrong with each shape, and the shape."""
    async with copied(postgres_url, "template1") as url:
        settings = Settings(database_url=url, redis_url=redis_url, poll_delay=0.005)
        told = await tell(settings, drawn)
    return ["\n".join([described(shape), *told[shape.name]]) for shape in drawn if told[shape.name]]


def described(shape: Shape) -> str:
    """A shape as its reader can write it down."""
    schema = shape.schema
    lines = [f"{name}: {_field(each)}" for name, each in schema.fields.items()]
    hooks = {tag: [hook[0] for hook in found] for tag, found in schema._hooks.items() if found}
    own = [name for name in vars(type(schema)) if not name.startswith("_")]
    return "\n".join(
        [
            f"{shape.name}, unknown={schema.unknown}, hooks={hooks}, with {own}",
            *lines,
            f"items: {shape.items}",
            f"changes: {shape.changes}",
        ]
    )


def _field(field: fields.Field[Any]) -> str:
    """A field's class, and its arguments where they are not usual."""
    plain = vars(fields.Field())
    odd = {
        name: value
        for name, value in vars(field).items()
        if value and plain.get(name, missing) != value and name not in _KNOWN
    }
    return f"{type(field).__name__} {odd}"
