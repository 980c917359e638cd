"""What of a changed schema `ingest migrate` refuses, by name, and without changing anything."""

from typing import Any

import pytest
from marshmallow import Schema, fields

from ingest import Resource
from ingest.resources.registry import Registry
from ingest.store.missing import missing_tables
from tests.store.migrating import Fields, connected, migrated, refusal, store, things


async def test_a_new_unique_attribute_that_stored_values_break(empty_database: str) -> None:
    await migrated(empty_database, things({"a": fields.String(), "b": fields.String()}))
    for item, value in enumerate(["x", "x", "x", "y", "y", "z"]):
        await store(empty_database, item, a=value, b="secret")
    unique = things({"a": fields.String(), "b": fields.String()}, unique=["a"])
    message = await refusal(empty_database, unique)
    assert message == (
        "resource 'things': 'a' cannot become unique, because of 2 value(s) held by more than one "
        "item of an account, such as items '00000000-0000-0000-0000-000000000000' and "
        "'00000000-0000-0000-0000-000000000001' of account 'acme'; change those items first"
    )


@pytest.mark.parametrize(
    ("stored", "declared", "types"),
    [
        (fields.Integer(), fields.String(), "bigint and is now declared as text"),
        (fields.Integer(), fields.Decimal(), "bigint and is now declared as numeric"),
        (fields.String(), fields.List(fields.String()), "text and is now declared as jsonb"),
        (
            fields.NaiveDateTime(),
            fields.DateTime(),
            "timestamp without time zone and is now declared as timestamp with time zone",
        ),
        (fields.Float(), fields.IP(), "double precision and is now declared as inet"),
    ],
)
async def test_another_type_is_refused(
    empty_database: str, stored: fields.Field[Any], declared: fields.Field[Any], types: str
) -> None:
    await migrated(empty_database, things({"a": stored}))
    changed = things({"a": declared, "b": fields.String()})
    assert await refusal(empty_database, changed) == (
        f"resource 'things': field 'a' is stored as {types}; "
        "keep the type, or give the new field another name"
    )
    async with connected(empty_database) as connection:
        assert "collections.things.a" in await missing_tables(connection, changed)


@pytest.mark.parametrize(
    "declared",
    [
        {"a": fields.String(), "b": fields.String()},
        {"b": fields.String()},
    ],
    ids=["both fields stay", "the old key is removed"],
)
async def test_another_key_is_refused(empty_database: str, declared: Fields) -> None:
    await migrated(empty_database, things({"a": fields.String(), "b": fields.String()}, key="a"))
    assert await refusal(empty_database, things(declared, key="b")) == (
        "resource 'things': its items are stored under the key 'a', and the key is now declared as "
        "'b'; keep the key, or declare a new resource beside this one"
    )


async def test_a_table_that_is_not_ours_is_refused(empty_database: str) -> None:
    other = Registry([Resource("others", Schema.from_dict({"a": fields.String()}))])
    await migrated(empty_database, other)
    async with connected(empty_database) as connection:
        await connection.execute("CREATE TABLE collections.things (id uuid PRIMARY KEY)")
    assert "the table collections.things exists and was not made by this service" in (
        await refusal(empty_database, things({}))
    )


async def test_a_name_that_an_index_or_a_view_has_is_refused(empty_database: str) -> None:
    await migrated(empty_database, things({"a": fields.String()}))
    schema = Schema.from_dict({"a": fields.String()})
    taken = Registry([*things({"a": fields.String()}).values(), Resource("things_pkey", schema)])
    message = await refusal(empty_database, taken)
    assert message == "resource 'things_pkey': relation \"things_pkey\" already exists"


async def test_every_refusal_is_in_one_error_and_nothing_is_changed(empty_database: str) -> None:
    schema = Schema.from_dict({"a": fields.String(), "b": fields.String()})
    await migrated(
        empty_database, Registry([Resource("things", schema), Resource("keyed", schema, key="a")])
    )
    await store(empty_database, 1, a="x")
    await store(empty_database, 2, a="x")
    changed = Registry(
        [
            Resource("added", schema),
            Resource("keyed", schema, key="b"),
            Resource(
                "things",
                Schema.from_dict(
                    {"a": fields.String(), "b": fields.Integer(), "c": fields.String()}
                ),
                unique=["a"],
            ),
        ]
    )
    problems = (await refusal(empty_database, changed)).split("; resource ")
    assert len(problems) == 3
    assert "its items are stored under the key 'a'" in problems[0]
    assert "field 'b' is stored as text and is now declared as bigint" in problems[1]
    assert "'a' cannot become unique" in problems[2]


async def test_more_columns_than_postgresql_has_is_refused_by_name(empty_database: str) -> None:
    await migrated(empty_database, things({}))
    wide: Fields = {f"field_{number}": fields.Boolean() for number in range(1601)}
    assert await refusal(
        empty_database, Registry([Resource("wide", things(wide)["things"].schema)])
    ) == ("resource 'wide': tables can have at most 1600 columns")


async def test_a_table_in_use_is_not_waited_for_without_end(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migrations.run._LOCK_TIMEOUT", "100ms")
    monkeypatch.setattr("migrations.driver._PATIENCE", 0.2)
    await migrated(empty_database, things({}))
    async with connected(empty_database) as connection, connection.transaction():
        await connection.execute("LOCK TABLE collections.things IN ACCESS SHARE MODE")
        message = await refusal(empty_database, things({"a": fields.String()}))
    assert "something holds a lock; try again" in message
