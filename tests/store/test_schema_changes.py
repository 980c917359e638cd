"""What `ingest migrate` makes of a schema that changed."""

import random

import asyncpg
import pytest
from marshmallow import INCLUDE, Schema, fields

from ingest import Resource
from ingest.resources.registry import Registry
from ingest.store.missing import missing_tables
from tests.store.migrating import Fields, catalog, connected, migrated, refusal, store, things

ODD_NAMES = [
    'say "hi"',
    "it's",
    "two words",
    "$x",
    "$account",
    "$1",
    "xmin",
    "ctid",
    "select",
    "user",
    "UPPER",
    "100%",
    "%(name)s",
    "%%",
    "a:b",
    ":name",
    "::text",
    "a.b",
    "a,b",
    "back\\slash",
    "things(a)",
    "naïve ☃ 数",
    "n" * 80,
    "ä" * 80,
]


async def test_a_new_field_gets_a_column(empty_database: str) -> None:
    await migrated(empty_database, things({"a": fields.String()}))
    await store(empty_database, 1, a="kept")
    wider = things({"b": fields.Integer(required=True), "a": fields.String()})
    async with connected(empty_database) as connection:
        assert await missing_tables(connection, wider) == ["collections.things.b"]
    assert await migrated(empty_database, wider) == ["things: added 'b'"]
    assert await migrated(empty_database, wider) == []
    async with connected(empty_database) as connection:
        assert await missing_tables(connection, wider) == []
        row = await connection.fetchrow("SELECT a, b FROM collections.things")
        assert tuple(row or ()) == ("kept", None)


async def test_a_new_resource_gets_a_table_beside_the_others(empty_database: str) -> None:
    schema = Schema.from_dict({"a": fields.String()})
    await migrated(empty_database, Registry([Resource("things", schema)]))
    both = Registry([Resource("things", schema), Resource("other-things", schema)])
    assert await migrated(empty_database, both) == ["other-things: created its table"]
    assert await migrated(empty_database, both) == []


async def test_a_table_of_before_groups_gets_their_index(empty_database: str) -> None:
    registry = things({"a": fields.String()}, unique=["a"])
    await migrated(empty_database, registry)
    await store(empty_database, 1, a="kept", **{"$group": "north"})
    async with connected(empty_database) as connection:
        await connection.execute(
            """DROP INDEX collections."things($group)";
            CREATE INDEX "things(mine)" ON collections.things (a);
            CREATE INDEX of_an_administrator ON collections.things ("$group")"""
        )
        # A service that is not migrated yet is slower, and gives the same results.
        assert await missing_tables(connection, registry) == []
    assert await migrated(empty_database, registry) == ["things: indexed its items by group"]
    assert await migrated(empty_database, registry) == []
    async with connected(empty_database) as connection:
        rows = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'things' ORDER BY 1"
        )
    definitions = dict(map(tuple, rows))
    assert list(definitions) == [
        "of_an_administrator",
        "things($group)",
        "things(a)",
        "things(mine)",
        "things_pkey",
    ]
    assert definitions["things($group)"].endswith(
        """("$account", "$group", id) WHERE ("$group" IS NOT NULL)"""
    )


async def test_a_group_of_before_their_limit_is_refused_in_one_line(empty_database: str) -> None:
    registry = things({"a": fields.String()})
    await migrated(empty_database, registry)
    async with connected(empty_database) as connection:
        await connection.execute('DROP INDEX collections."things($group)"')
    long = random.Random(1).randbytes(2000).hex()
    await store(empty_database, 1, **{"$group": long})
    message = await refusal(empty_database, registry)
    assert "resource 'things': index row" in message
    assert message.endswith("""shorten them to at most 2048 bytes, and those of "$group" to 255""")
    assert long[:20] not in message
    assert len(message.splitlines()) == 1
    async with connected(empty_database) as connection:
        await connection.execute("""UPDATE collections.things SET "$group" = 'short'""")
    assert await migrated(empty_database, registry) == ["things: indexed its items by group"]


async def test_a_schema_that_begins_to_keep_unknown_fields(empty_database: str) -> None:
    class Open(Schema):
        class Meta:
            unknown = INCLUDE

    await migrated(empty_database, things({}))
    assert await migrated(empty_database, Registry([Resource("things", Open)])) == [
        "things: added '$extra'"
    ]


async def test_a_removed_field_keeps_its_column(empty_database: str) -> None:
    await migrated(empty_database, things({"a": fields.String(), "b": fields.String()}))
    await store(empty_database, 1, a="x", b="kept")
    narrower = things({"a": fields.String()})
    before = await catalog(empty_database)
    assert await migrated(empty_database, narrower) == []
    assert await catalog(empty_database) == before
    await store(empty_database, 2, a="y")


async def test_the_table_of_a_removed_resource_stays(empty_database: str) -> None:
    await migrated(empty_database, things({"a": fields.String()}))
    before = await catalog(empty_database)
    others = Registry([Resource("others", Schema.from_dict({"a": fields.String()}))])
    await migrated(empty_database, others)
    assert set(before) <= set(await catalog(empty_database))


async def test_a_new_unique_attribute(empty_database: str) -> None:
    await migrated(empty_database, things({"a": fields.String()}))
    await store(empty_database, 1, a="x")
    await store(empty_database, 2, "other", a="x")
    await store(empty_database, 3)
    await store(empty_database, 4)
    unique = things({"a": fields.String()}, unique=["a"])
    async with connected(empty_database) as connection:
        assert await missing_tables(connection, unique) == ["collections.things(a)"]
    assert await migrated(empty_database, unique) == ["things: made 'a' unique"]
    assert await migrated(empty_database, unique) == []
    with pytest.raises(asyncpg.UniqueViolationError):
        await store(empty_database, 5, a="x")


async def test_a_new_unique_attribute_of_a_new_field(empty_database: str) -> None:
    await migrated(empty_database, things({"a": fields.String()}))
    await store(empty_database, 1, a="x")
    await store(empty_database, 2, a="x")
    wider = things({"a": fields.String(), "b": fields.String()}, unique=[("a", "b")])
    assert await migrated(empty_database, wider) == [
        "things: added 'b'",
        "things: made 'a', 'b' unique",
    ]


async def test_values_of_a_pair_break_only_what_makes_the_pair_unique(empty_database: str) -> None:
    declared: Fields = {"a": fields.String(), "b": fields.String()}
    await migrated(empty_database, things(declared))
    await store(empty_database, 1, a="x", b="1")
    await store(empty_database, 2, a="x", b="2")
    assert await migrated(empty_database, things(declared, unique=[("a", "b")])) == [
        "things: made 'a', 'b' unique"
    ]
    message = await refusal(empty_database, things(declared, unique=[("a", "b"), "a"]))
    assert "'a' cannot become unique, because of 1 value(s)" in message


async def test_a_unique_attribute_no_longer_declared_loses_its_constraint_when_asked(
    empty_database: str,
) -> None:
    await migrated(empty_database, things({"a": fields.String()}, unique=["a"]))
    await store(empty_database, 1, a="x")
    free = things({"a": fields.String()})
    before = await catalog(empty_database)
    for _ in range(2):
        assert await migrated(empty_database, free) == [
            "things: keeps the unique constraint things(a), which is no longer declared and "
            "refuses what it did before; --drop drops it"
        ]
    assert await catalog(empty_database) == before
    assert await migrated(empty_database, free, drop=True) == [
        "things: dropped the unique constraint things(a), no longer declared"
    ]
    await store(empty_database, 2, a="x")


async def test_what_an_administrator_added_stays(empty_database: str) -> None:
    await migrated(empty_database, things({"a": fields.String()}))
    async with connected(empty_database) as connection:
        await connection.execute(
            """
            ALTER TABLE collections.things ADD CONSTRAINT mine UNIQUE (a);
            CREATE INDEX also_mine ON collections.things (a);
            COMMENT ON COLUMN collections.things.a IS 'mine too';
            ALTER TABLE collections.things ADD COLUMN note tsvector, ALTER COLUMN a SET DEFAULT 'z';
            CREATE TABLE collections.unrelated (a integer)
            """
        )
    before = await catalog(empty_database)
    assert await migrated(empty_database, things({"a": fields.String()})) == []
    assert await catalog(empty_database) == before


async def test_any_field_name_can_be_stored_and_made_unique(empty_database: str) -> None:
    declared: Fields = {name: fields.String() for name in ODD_NAMES}
    await migrated(empty_database, things({}))
    registry = things(declared)
    assert await migrated(empty_database, registry) == [
        f"things: added {name!r}" for name in ODD_NAMES
    ]
    values = {field.column: f"value of {field.name}" for field in registry["things"].fields[1:]}
    await store(empty_database, 1, **values)
    unique = things(declared, unique=[*ODD_NAMES, tuple(ODD_NAMES[:31])])
    assert len(await migrated(empty_database, unique)) == len(ODD_NAMES) + 1
    assert await migrated(empty_database, unique) == []
    async with connected(empty_database) as connection:
        assert await missing_tables(connection, unique) == []
        row = await connection.fetchrow("SELECT * FROM collections.things")
    assert row is not None
    assert {name: row[name] for name in values} == values
    assert len(await migrated(empty_database, registry, drop=True)) == len(ODD_NAMES) + 1


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_any_field_name_can_be_the_key(empty_database: str, name: str) -> None:
    registry = things({name: fields.String(), "b": fields.String()}, key=name, unique=["b"])
    assert "things: created its table" in await migrated(empty_database, registry)
    assert await migrated(empty_database, registry) == []
    changed = things({name: fields.Integer()}, key=name)
    assert f"field {name!r} is stored as text" in await refusal(empty_database, changed)


async def test_more_than_a_hundred_columns(empty_database: str) -> None:
    half: Fields = {f"field_{number}": fields.Integer() for number in range(70)}
    whole: Fields = {f"field_{number}": fields.Integer() for number in range(150)}
    await migrated(empty_database, things(half))
    assert len(await migrated(empty_database, things(whole))) == 80
    assert await migrated(empty_database, things(whole)) == []
