"""Who may migrate: roles of a cluster, and logins without the rights of a superuser."""

import asyncio

import pytest
from marshmallow import fields

from ingest import Resource, Tally
from ingest.access.callers import digest_of
from ingest.access.rights import parse_grants
from ingest.errors import ConfigurationError
from ingest.examples import contacts
from ingest.processes.postgres import EmbeddedPostgres
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.missing import missing_tables
from ingest.store.pool import open_pool
from ingest.store.recount import Compared, compared_counters, mend_counter
from ingest.store.roles import create_role
from ingest.store.tokens import create_token, find_caller, list_tokens, revoke_token
from tests.databases import execute
from tests.store.migrating import (
    EVERYTHING,
    EXAMPLES,
    connected,
    migrated,
    migrated_elsewhere,
    store,
    things,
)


async def test_databases_of_a_fresh_cluster_can_be_migrated_at_once(
    fresh_cluster: EmbeddedPostgres,
) -> None:
    names = ["one", "two", "three", "four"]
    for name in names:
        await execute(fresh_cluster.url, f"CREATE DATABASE {name}")
    base = fresh_cluster.url.rpartition("/")[0]
    done = await asyncio.gather(*(migrated_elsewhere(f"{base}/{name}") for name in names))
    assert done == [EVERYTHING] * len(names)


async def test_h21_an_owner_who_is_no_superuser_counts_what_is_stored(
    fresh_cluster: EmbeddedPostgres,
) -> None:
    await execute(fresh_cluster.url, "CREATE ROLE owner LOGIN CREATEROLE PASSWORD 'secret'")
    await execute(fresh_cluster.url, "CREATE DATABASE owned OWNER owner")
    url = fresh_cluster.url_for("owner", "secret", "owned")
    a = {"a": fields.String()}
    await migrated(url, things(a))
    # A superuser: FORCE ROW LEVEL SECURITY keeps its owner from the table.
    await store(fresh_cluster.url.rpartition("/")[0] + "/owned", 1, a="x")
    await migrated(url, things(a, summaries={"as": Tally("a")}))
    async with connected(url) as connection:
        kept = await connection.fetch("SELECT account, value::text, items FROM ingest.tallies")
    assert [tuple(row) for row in kept] == [("acme", '["x"]', 1)]


async def test_an_owner_who_is_no_superuser_can_migrate(fresh_cluster: EmbeddedPostgres) -> None:
    await execute(fresh_cluster.url, "CREATE ROLE owner LOGIN CREATEROLE PASSWORD 'secret'")
    await execute(fresh_cluster.url, "CREATE DATABASE owned")
    await execute(fresh_cluster.url, "GRANT CREATE ON DATABASE owned TO owner")
    url = fresh_cluster.url_for("owner", "secret", "owned")
    assert await migrated(url, EXAMPLES) == EVERYTHING
    assert await migrated(url, EXAMPLES) == []
    async with connected(url, role="ingest_app") as connection:
        assert await missing_tables(connection, EXAMPLES) == []
        assert await connection.fetch("SELECT * FROM ingest.unfinished_batches('0', 10)") == []

    # What operators do needs no superuser either.
    settings = Settings(database_url=url, redis_url="")
    async with open_pool(settings, role=None) as operator, open_pool(settings) as service:
        await create_role(operator, "feed", parse_grants(["contacts=create"]))
        id_, token = await create_token(operator, "acme", "feed", role="feed", groups=["a"])
        caller = await find_caller(service, digest_of(token))
        assert caller is not None
        assert (caller.account, caller.role, caller.groups) == ("acme", "feed", ("a",))
        assert [each.id for each in await list_tokens(operator)] == [id_]
        assert await list_tokens(service) == []
        assert await revoke_token(operator, id_)
        assert await find_caller(service, digest_of(token)) is None
        await execute(
            f"{fresh_cluster.url.rpartition('/')[0]}/owned",
            """
            INSERT INTO collections.airports
                ("$account", "$batch", "$created_at", "$updated_at", iata)
            VALUES ('acme', gen_random_uuid(), now(), now(), 'AAA')
            """,
        )
        [wrong] = [each async for each in compared_counters(operator) if each.kept != each.stored]
        assert wrong == Compared("acme", "airports", 0, 1)
        await mend_counter(operator, "acme", "airports", has_table=True)
        assert {each.stored - each.kept async for each in compared_counters(operator)} == {0}


async def test_row_security_hides_no_duplicates_from_the_migration(
    fresh_cluster: EmbeddedPostgres,
) -> None:
    await execute(fresh_cluster.url, "CREATE ROLE owner LOGIN CREATEROLE PASSWORD 'secret'")
    await execute(fresh_cluster.url, "GRANT CREATE ON DATABASE ingest TO owner")
    url = fresh_cluster.url_for("owner", "secret")
    await migrated(url, EXAMPLES)
    await execute(
        fresh_cluster.url,
        """
        INSERT INTO collections.contacts
            ("$account", "$batch", "$created_at", "$updated_at", id, first_name)
        SELECT 'acme', gen_random_uuid(), now(), now(), gen_random_uuid(), 'Ann'
        FROM generate_series(1, 2)
        """,
    )
    unique = Registry([Resource("contacts", contacts.schema, unique=["email", "first_name"])])
    with pytest.raises(ConfigurationError, match=r"because of 1 value\(s\)"):
        await migrated(url, unique)
    async with connected(url) as connection:
        assert await connection.fetch("SELECT FROM collections.contacts") == []


async def test_a_login_without_the_right_gets_the_remedy(
    fresh_cluster: EmbeddedPostgres,
) -> None:
    await execute(fresh_cluster.url, "CREATE ROLE visitor LOGIN PASSWORD 'secret'")
    url = fresh_cluster.url_for("visitor", "secret", "postgres")
    with pytest.raises(ConfigurationError, match=r"permission denied.*CREATEROLE and CREATE"):
        await migrated(url, EXAMPLES)


async def test_a_role_that_could_bypass_row_security_is_refused(
    fresh_cluster: EmbeddedPostgres,
) -> None:
    await execute(fresh_cluster.url, "CREATE ROLE ingest_app NOLOGIN BYPASSRLS")
    with pytest.raises(ConfigurationError, match="may bypass row-level security"):
        await migrated(fresh_cluster.url, EXAMPLES)
