"""Schemas in the shapes that public projects use: stored, shown and refused as marshmallow says."""

import asyncio
from collections.abc import Mapping
from itertools import chain

import pytest

from ingest import Resource
from ingest.errors import ConfigurationError
from ingest.processes.valkey import EmbeddedValkey
from ingest.settings import Settings
from tests.databases import copied
from tests.schema_shapes import (
    custom_fields,
    generated,
    hooks,
    identities,
    messages,
    names,
    nested,
    objects,
    polymorphic,
    values,
)
from tests.schema_shapes.refused import REFUSED
from tests.schema_shapes.shape import Refused
from tests.schema_shapes.story import tell

KINDS = (
    custom_fields,
    generated,
    hooks,
    identities,
    messages,
    names,
    nested,
    objects,
    polymorphic,
    values,
)
SHAPES = list(chain.from_iterable(kind.SHAPES for kind in KINDS))


@pytest.fixture(scope="module")
def told(postgres_url: str, valkey_server: EmbeddedValkey) -> Mapping[str, list[str]]:
    """What was wrong with each shape, all of them in one service."""

    async def tell_all() -> Mapping[str, list[str]]:
        async with copied(postgres_url, "template1") as url:
            settings = Settings(database_url=url, redis_url=valkey_server.url, poll_delay=0.005)
            return await tell(settings, SHAPES)

    return asyncio.run(tell_all())


@pytest.mark.parametrize("name", [shape.name for shape in SHAPES])
def test_a_shape_is_stored_shown_and_refused_as_marshmallow_says(
    name: str, told: Mapping[str, list[str]]
) -> None:
    assert told[name] == [], "\n".join(told[name])


@pytest.mark.parametrize("shape", REFUSED, ids=lambda shape: shape.name)
def test_a_shape_that_cannot_be_served_says_why(shape: Refused) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Resource(shape.name, shape.schema, key=shape.key)
    assert all(words in str(refused.value) for words in shape.says), refused.value
