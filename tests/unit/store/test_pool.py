"""Transactions: of one account, with one timeout, and with errors that say what passes."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from structlog.testing import capture_logs

from ingest.errors import (
    ConfigurationError,
    LockTimeout,
    NotAdmitted,
    Refused,
    TooSlow,
    Unavailable,
    Unreachable,
)
from ingest.settings import Settings
from ingest.store.pool import FEW_BYTES, LONGEST_ALLOWANCE, Pool, allow_time, open_pool
from ingest.store.proof import OddError, is_refusal
from ingest.store.sqlstates import NOT_NOW
from ingest.store.state import state_of_database
from tests.databases import execute

INSERT = "INSERT INTO ingest.counters (account, collection) VALUES ($1, 'contacts')"
COUNT = "SELECT count(*) FROM ingest.counters"
PASSING = (
    *("08000", "08006", "25006", "40001", "40P01", "53100", "53200", "53300", "53400"),
    *("55000", "55006", "55P02", "55P03", "57000", "57P01", "57P02", "57P03", "57P04"),
    *("58000", "58030", "58P01"),
)
RAISE = "DO $$BEGIN RAISE EXCEPTION 'a test' USING ERRCODE = '{state}'; END$$"


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
    with pytest.raises(Refused, match="not available"):
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


async def test_a_lost_connection_is_known_by_being_closed(pool: Pool, operator: Pool) -> None:
    async with operator.connection() as other:
        with pytest.raises(Unreachable):
            async with pool.transaction("acme") as connection:
                await other.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
    async with pool.transaction("acme") as connection:
        assert await connection.fetchval("SELECT 1") == 1


@pytest.mark.parametrize(("query", "arguments"), [("SELECT $1::integer", ()), ("SELECT 1", (1,))])
async def test_a_wrong_call_of_the_driver_is_a_bug_and_no_lost_connection(
    pool: Pool, query: str, arguments: tuple[int, ...]
) -> None:
    with pytest.raises(asyncpg.InterfaceError):
        async with pool.transaction("acme") as connection:
            await connection.fetchval(query, *arguments)


@pytest.mark.parametrize("state", ["01000", "02000"])
async def test_an_error_that_says_it_is_a_warning_can_be_raised(pool: Pool, state: str) -> None:
    with pytest.raises(OddError) as raised:
        async with pool.transaction("acme") as connection:
            await connection.execute(RAISE.format(state=state))
    assert getattr(raised.value.__cause__, "sqlstate", None) == state


async def test_what_passes_in_the_database_is_a_refusal_and_no_lost_connection(pool: Pool) -> None:
    """That a statement says so proves no more: a trigger can raise every SQLSTATE."""
    for state in PASSING:
        with pytest.raises(Refused) as raised:
            async with pool.transaction("acme") as connection:
                await connection.execute(RAISE.format(state=state))
        assert is_refusal(raised.value.__cause__), state
        assert (raised.value.error_code.code, raised.value.retry_after) == (50301, 1)
    assert {state[:2] for state in PASSING} == {state[:2] for state in NOT_NOW}


async def test_what_does_not_pass_is_no_refusal(pool: Pool) -> None:
    for state in ("22012", "25001", "42501", "XX001", "ZZ999"):
        with pytest.raises(asyncpg.PostgresError) as raised:
            async with pool.transaction("acme") as connection:
                await connection.execute(RAISE.format(state=state))
        assert raised.value.sqlstate == state


async def test_a_lock_that_another_holds_is_known_by_the_servers_own_timeout(
    settings: Settings, operator: Pool
) -> None:
    async with open_pool(settings, statement_timeout=0.2) as pool, operator.transaction() as other:
        await other.execute("LOCK TABLE ingest.counters")
        with pytest.raises(LockTimeout):
            async with pool.transaction("acme") as connection:
                await connection.execute(INSERT, "acme")


async def test_a_statement_that_the_client_gives_up_is_too_slow_with_an_unknown_outcome(
    pool: Pool,
) -> None:
    with pytest.raises(TooSlow) as raised:
        async with pool.transaction("acme") as connection:
            await connection.execute("SELECT pg_sleep(30)", timeout=0.05)
    assert not is_refusal(raised.value.__cause__)


async def test_what_a_catalogue_lacks_is_asked_of_it(settings: Settings) -> None:
    asked: list[bool] = []

    async def lacks(connection: Any) -> list[str]:
        asked.append(bool(await connection.fetchval("SELECT true")))
        return ["things"] if len(asked) == 1 else []

    async with open_pool(settings, lacks=lacks) as pool:
        with pytest.raises(ConfigurationError, match="it lacks things"):
            async with pool.transaction("acme") as connection:
                await connection.execute("SELECT gone()")
        with pytest.raises(asyncpg.UndefinedFunctionError):
            async with pool.transaction("acme") as connection:
                await connection.execute("SELECT gone()")
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with pool.transaction("acme") as connection:
                await connection.execute("SELECT 1 / 0")
    assert asked == [True, True]


def with_login(url: str, login: str, database: str = "") -> str:
    """The URL with another login, and with another database where one is named."""
    parts = urlsplit(url)
    path = f"/{database}" if database else parts.path
    netloc = f"{login}@{parts.hostname}:{parts.port}"
    return parts._replace(netloc=netloc, path=path).geturl()


async def test_a_database_that_lets_nobody_in_says_why(settings: Settings) -> None:
    """In one line of the log, however often it is tried, with the SQLSTATE."""
    own = urlsplit(settings.database_url).netloc.rpartition("@")[0]
    refused = (
        (with_login(settings.database_url, "nobody:wrong"), "refuses the login: ", "28P01"),
        (with_login(settings.database_url, own, "nothing"), "no such database: ", "3D000"),
    )
    for url, reason, state in refused:
        with capture_logs() as lines:
            async with open_pool(replace(settings, database_url=url)) as pool:
                for _ in range(2):
                    with pytest.raises(NotAdmitted) as raised:
                        async with pool.transaction("acme"):
                            pass
        assert raised.value.reason.startswith(reason)
        (line,) = lines
        assert line["event"] == "the database refuses the service"
        assert line["reason"] == raised.value.reason
        assert state in line["cause"]
    async with open_pool(settings, role="unheard_of") as pool:
        with pytest.raises(NotAdmitted) as raised:
            async with pool.transaction("acme"):
                pass
    assert "ingest migrate" in raised.value.reason


async def test_a_database_that_is_full_admits_no_one_for_now(
    settings: Settings, postgres_url: str
) -> None:
    login = "CREATE ROLE tests_one LOGIN PASSWORD 'secret' CONNECTION LIMIT 0 IN ROLE ingest_app"
    await execute(postgres_url, login)
    try:
        url = with_login(settings.database_url, "tests_one:secret")
        with capture_logs() as lines:
            async with open_pool(replace(settings, database_url=url)) as pool:
                assert await state_of_database(pool, {}) == "admits no one for now: SQLSTATE 53300"
                await execute(postgres_url, "ALTER ROLE tests_one CONNECTION LIMIT 10")
                for _ in range(2):
                    assert await state_of_database(pool, {}) == "ready"
    finally:
        await execute(postgres_url, "DROP ROLE tests_one")
    assert [line["event"] for line in lines] == [
        "the database is away",
        "the database answers again",
    ]
