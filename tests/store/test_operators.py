"""Which login operators' commands need, and what each of them says of another one."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import UUID

import click
import pytest

from ingest.cli.main import cli
from tests.databases import execute
from tests.unit.cli.running import complaint, ingest

ID = str(UUID(int=1))
COMMANDS = {
    "batches list": "",
    "batches retry": ID,
    "token create": "--account acme",
    "token list": "",
    "token revoke": ID,
    "role create": "feed read",
    "role list": "",
    "role delete": "feed",
    "quota set": "--account acme contacts 5",
    "quota show": "",
    "doctor": "",
}
LOGINS = {
    "tests_service": "IN ROLE ingest_app",
    "tests_visitor": "",
    "tests_bypassing": "BYPASSRLS",
}


def of_login(url: str, login: str) -> str:
    """The URL with another login."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{login}:secret@{parts.hostname}:{parts.port}").geturl()


@pytest.fixture(scope="module")
def logins(postgres_url: str, migrated_template: str) -> Iterator[None]:
    made = (f"CREATE ROLE {name} LOGIN PASSWORD 'secret' {how};" for name, how in LOGINS.items())
    asyncio.run(execute(postgres_url, "".join(made)))
    yield
    asyncio.run(execute(postgres_url, "".join(f"DROP ROLE {name};" for name in LOGINS)))


def test_every_command_of_operators_is_listed_here() -> None:
    assert set(COMMANDS) == {"doctor"} | {
        f"{group.name} {name}"
        for group in (cli.commands[each] for each in ("batches", "token", "role", "quota"))
        if isinstance(group, click.Group)
        for name in group.commands
    }


@pytest.mark.parametrize("login", LOGINS)
async def test_a_login_that_may_not_see_all_accounts_is_refused_in_one_line(
    login: str, database_url: str, logins: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await execute(
        database_url,
        f"""
        INSERT INTO ingest.batches
            (id, account, collection, action, options, state, trace_id, received, error,
             accepted_at, finished_at)
        VALUES ('{ID}', 'acme', 'airports', 'create', '{{}}', 'failed', 't', 1, '{{}}',
                now(), now());
        INSERT INTO ingest.quotas (account, collection, maximum) VALUES ('acme', 'airports', 10)
        """,
    )
    monkeypatch.setenv("INGEST_MIGRATE_DATABASE_URL", of_login(database_url, login))
    for command, arguments in COMMANDS.items():
        result = await asyncio.to_thread(ingest, *command.split(), *arguments.split())
        said = complaint(result)
        assert "connect as the login that runs `ingest migrate`" in said, command
        assert "INGEST_MIGRATE_DATABASE_URL" in said
        assert (login in said) is (login != "tests_bypassing"), said


async def test_a_login_that_is_not_let_in_is_said_to_be_of_the_variable_that_names_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "refuses the login: the name or the password in INGEST_MIGRATE_DATABASE_URL is wrong"
    monkeypatch.setenv("INGEST_MIGRATE_DATABASE_URL", of_login(database_url, "tests_nobody"))
    result = await asyncio.to_thread(ingest, "token", "list")
    assert f"PostgreSQL {wrong} (" in complaint(result)
    result = await asyncio.to_thread(ingest, "doctor")
    assert result.stdout.startswith(f"PostgreSQL: {wrong}; ")


async def test_the_login_that_migrates_sees_all(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGEST_MIGRATE_DATABASE_URL", database_url)
    result = await asyncio.to_thread(ingest, "role", "list")
    assert result.exit_code == 0, result.stderr
    assert "writer" in result.stdout


async def test_a_database_that_is_not_migrated_is_said_to_be(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGEST_MIGRATE_DATABASE_URL", empty_database)
    result = await asyncio.to_thread(ingest, "quota", "show")
    assert "the database is not migrated: run `ingest migrate`" in complaint(result)
