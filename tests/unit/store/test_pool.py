"""Transactions: of one account, with one timeout, and with errors that say what passes."""

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from ingest.errors import Unavailable
from ingest.settings import Settings
from ingest.store.pool import FEW_BYTES, LONGEST_ALLOWANCE, Pool, allow_time, open_pool

INSERT = "INSERT INTO ingest.counters (account, collection) VALUES ($1, 'contacts')"
COUNT = "SELECT count(*) FROM ingest.counters"


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    async with open_pool(settings) as pool:
        yield pool


async def test_a_transaction_sees_the_rows_of_its_account(pool: Pool) -> None:
    for account in ("acme", "rival"):
        async with pool.transaction(account) as connection:
            await connection.execute(INSERT, account)
    counts: dict[str | None, int] = {}
    for account in ("acme", "rival"):
        async with pool.transaction(account) as connection:
            counts[account] = await connection.fetchval(COUNT)
    async with pool.connection() as connection:
        counts[None] = await connection.fetchval(COUNT)
    assert counts == {"acme": 1, "rival": 1, None: 0}


async def test_a_dry_run_sees_what_it_writes_and_leaves_nothing(pool: Pool) -> None:
    async with pool.dry_run("acme") as connection:
        await connection.execute(INSERT, "acme")
        assert await connection.fetchval(COUNT) == 1
    async with pool.transaction("acme") as connection:
        assert await connection.fetchval(COUNT) == 0


async def test_a_dry_run_is_of_one_account(pool: Pool) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with pool.dry_run("acme") as connection:
            await connection.execute(INSERT, "rival")


async def test_a_dry_run_that_fails_leaves_a_connection_that_works(settings: Settings) -> None:
    async with open_pool(replace(settings, database_pool=1)) as pool:
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with pool.dry_run("acme") as connection:
                await connection.execute(f"{INSERT} RETURNING 1 / 0", "acme")
        async with pool.transaction("acme") as connection:
            assert await connection.fetchval(COUNT) == 0


async def test_a_dry_run_whose_connection_is_lost_is_unavailable(
    pool: Pool, operator: Pool
) -> None:
    with pytest.raises(Unavailable):
        async with pool.dry_run("acme") as connection, operator.connection() as other:
            await other.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())


async def test_a_row_of_another_account_cannot_be_written(pool: Pool) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with pool.transaction("acme") as connection:
            await connection.execute(INSERT, "rival")


async def test_a_snapshot_cannot_write(pool: Pool) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with pool.transaction("acme", snapshot=True) as connection:
            await connection.execute(INSERT, "acme")


async def test_a_statement_that_takes_too_long_is_unavailable(settings: Settings) -> None:
    async with open_pool(settings, statement_timeout=0.05) as pool:
        with pytest.raises(Unavailable):
            async with pool.transaction("acme") as connection:
                await connection.execute("SELECT pg_sleep(10)")


async def test_a_mistake_of_ours_is_no_unavailability(pool: Pool) -> None:
    with pytest.raises(asyncpg.PostgresSyntaxError):
        async with pool.transaction("acme") as connection:
            await connection.execute("SELEC 1")
    with pytest.raises(asyncpg.DataError):
        async with pool.transaction("acme") as connection:
            await connection.fetchval("SELECT $1::integer", "x")


async def test_a_database_that_does_not_listen_is_unavailable(settings: Settings) -> None:
    nowhere = replace(settings, database_url="postgresql://u:p@127.0.0.1:1/x")
    async with open_pool(nowhere) as pool:
        with pytest.raises(Unavailable) as raised:
            async with pool.transaction("acme"):
                pass
    assert raised.value.retry_after


@pytest.mark.parametrize(
    ("items", "size", "added"),
    [
        (10_001, 0, 5.0005),
        (1_000_000, 0, 500.0),
        (10**9, 0, LONGEST_ALLOWANCE),
        (0, 100_000_000, 100.0),
        (20_000, 1_000_000, 11.0),
    ],
)
async def test_much_has_more_time(settings: Settings, items: int, size: int, added: float) -> None:
    async with open_pool(settings, statement_timeout=3) as pool:
        async with pool.transaction("acme") as connection:
            timeout = await allow_time(connection, items, size)
            shown = await connection.fetchval(
                "SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout'"
            )
        assert shown == int((3 + added) * 1000)
        assert timeout is not None
        assert timeout > 3 + added
        async with pool.transaction("acme") as connection:
            assert await connection.fetchval("SHOW statement_timeout") == "3s"


async def test_little_has_the_usual_time(pool: Pool) -> None:
    async with pool.transaction("acme") as connection:
        assert await allow_time(connection, 10_000, FEW_BYTES) is None
