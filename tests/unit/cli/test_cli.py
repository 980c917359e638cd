"""The command line: what each command hands on, prints, and says when it cannot work."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from uuid import UUID

import pytest
from click.testing import CliRunner, Result

from ingest.cli import main as cli
from ingest.cli import quotas as cli_quotas
from ingest.cli import roles as cli_roles
from ingest.cli import tokens as cli_tokens
from ingest.errors import ConfigurationError
from ingest.processes.embedded.ports import free_port
from ingest.settings import Settings
from ingest.store import quotas, tokens

ID = UUID("0193aaaa-0000-7000-8000-000000000001")
MOMENT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the variables that a test sets, and `sys.path` as it was afterwards."""
    for name in os.environ:
        if name.startswith("INGEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_DATABASE_URL", "postgresql://database")
    monkeypatch.setenv("INGEST_REDIS_URL", "redis://redis")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> None:
    """No database: the commands get a pool that is never used."""

    @asynccontextmanager
    async def pool() -> AsyncIterator[None]:
        yield None

    for commands in (cli_tokens, cli_roles, cli_quotas):
        monkeypatch.setattr(commands, "operator_pool", pool)


def ingest(*arguments: str) -> Result:
    return CliRunner().invoke(cli.cli, arguments)


def complaint(result: Result) -> str:
    """The one line that a command leaves when it cannot work."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("ingest: ")
    return lines[0].removeprefix("ingest: ")


def test_help_imports_nothing_heavy() -> None:
    heavy = "{'aiohttp', 'alembic', 'arq', 'asyncpg', 'psutil', 'redis', 'rich', 'sqlalchemy'}"
    code = f"import ingest.cli.main, sys; sys.exit(repr({heavy} & set(sys.modules)) != 'set()')"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "command",
    ["", "dev", "serve", "worker", "migrate", "token", "token create", "role create", "quota set"],
)
def test_every_command_has_help(command: str) -> None:
    result = ingest(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_the_version_is_that_of_the_package() -> None:
    result = ingest("--version")
    assert result.stdout.startswith("ingest, version ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["dev", "--api", "0"],
        ["dev", "--port", "65536"],
        ["dev", "--port", "http"],
        ["token", "create"],
        ["token", "create", "--account", "a", "--expires", "soon"],
        ["token", "create", "--account", "a", "--expires", "2020-01-01"],
        ["token", "revoke", "first"],
        ["role", "create"],
        ["quota", "set", "contacts", "5"],
        ["quota", "set", "--account", "a", "contacts", "many"],
        ["quota", "set", "--account", "a", "contacts", "-1"],
        ["quota", "set", "--account", "a", "contacts", str(2**63)],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2(arguments: list[str], store: None) -> None:
    result = ingest(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [["serve"], ["migrate"], ["token", "list"]], ids=" ".join)
def test_a_missing_setting_is_named(arguments: list[str]) -> None:
    assert "INGEST_DATABASE_URL" in complaint(ingest(*arguments))


@pytest.mark.parametrize(
    "arguments",
    [
        ["migrate"],
        ["token", "list"],
        ["token", "create", "--account", "a"],
        ["token", "revoke", str(ID)],
        ["role", "list"],
        ["quota", "set", "--account", "a", "contacts", "5"],
        ["quota", "show"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_a_database_that_is_away_is_one_line(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGEST_DATABASE_URL", f"postgresql://a:b@127.0.0.1:{free_port()}/c")
    assert "Connect call failed" in complaint(ingest(*arguments))


def test_resources_that_cannot_be_imported_are_named(
    configured: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGEST_RESOURCES", "./nowhere.py")
    assert complaint(ingest("migrate")) == (
        "INGEST_RESOURCES=nowhere.py: there is no such Python file"
    )


def test_a_module_beside_the_command_is_found(
    configured: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "empty_resources.py").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INGEST_RESOURCES", "empty_resources")
    assert complaint(ingest("migrate")).endswith("it defines no Resource")


def test_serve_runs_the_app_with_the_options_over_the_environment(
    configured: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Settings] = []
    app = ModuleType("ingest.app")
    app.serve = served.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ingest.app", app)
    monkeypatch.setenv("INGEST_PORT", "1234")
    monkeypatch.setenv("INGEST_HOST", "192.0.2.1")
    assert ingest("serve", "--port", "4321").exit_code == 0
    assert (served[0].host, served[0].port) == ("192.0.2.1", 4321)


def test_worker_becomes_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    executed: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(os, "execv", lambda *arguments: executed.append(arguments))
    ingest("worker")
    assert executed == [(sys.executable, [sys.executable, "-m", "workers"])]


def fake_migrations(monkeypatch: pytest.MonkeyPatch, *done: str) -> list[str]:
    """Migrations that claim to have done something; the URLs that they were run on."""
    urls: list[str] = []

    def migrate(database_url: str, registry: object) -> list[str]:
        urls.append(database_url)
        return list(done)

    run = ModuleType("migrations.run")
    run.migrate = migrate  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "migrations.run", run)
    return urls


def test_migrate_says_what_it_did(configured: None, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = fake_migrations(monkeypatch, "created table airports", "added column a")
    assert ingest("migrate").stdout.splitlines() == ["created table airports", "added column a"]
    assert urls == ["postgresql://database"]


def test_migrate_with_nothing_to_do_says_so(
    configured: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_migrations(monkeypatch)
    assert "nothing to do" in ingest("migrate").stdout


def test_migrate_has_a_login_of_its_own(configured: None, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = fake_migrations(monkeypatch)
    monkeypatch.setenv("INGEST_MIGRATE_DATABASE_URL", "postgresql://owner")
    ingest("migrate")
    assert urls == ["postgresql://owner"]


def test_a_lossy_change_is_one_line(configured: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(database_url: str, registry: object) -> list[str]:
        raise ConfigurationError("column age would lose data")

    run = ModuleType("migrations.run")
    run.migrate = refuse  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "migrations.run", run)
    assert complaint(ingest("migrate")) == "column age would lose data"


def test_a_token_is_alone_on_standard_output(store: None, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []

    async def create(*arguments: object, **options: object) -> tuple[UUID, str]:
        given.extend([*arguments, options])
        return ID, "secret"

    monkeypatch.setattr(tokens, "create_token", create)
    options = "--account acme --name feed --role reader --group a --group b --expires 2126-01-31"
    result = ingest("token", "create", *options.split())
    assert result.stdout == "secret\n"
    assert str(ID) in result.stderr
    asked = {"role": "reader", "groups": ("a", "b")}
    assert given == [None, "acme", "feed", datetime(2126, 1, 31, tzinfo=UTC), asked]


def test_a_group_that_cannot_be_is_one_line(store: None) -> None:
    for name in ("", "g" * 256):
        refused = ingest("token", "create", "--account", "acme", "--group", name)
        assert complaint(refused) == "the name of a group has 1 to 255 bytes"
        assert refused.stdout == ""


def listed(monkeypatch: pytest.MonkeyPatch, *found: tokens.Token) -> Result:
    async def read(pool: object, account: str | None) -> list[tokens.Token]:
        return [each for each in found if account in (None, each.account)]

    monkeypatch.setattr(tokens, "list_tokens", read)
    return ingest("token", "list", "--account", "acme")


def test_tokens_are_listed_as_tab_separated_values(
    store: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = listed(
        monkeypatch,
        tokens.Token(ID, "acme", "a\tfeed", "writer", ["a", "b"], MOMENT, None, None, MOMENT),
        tokens.Token(ID, "other", "", "reader", [], MOMENT, None, None, None),
    )
    assert result.stdout.splitlines() == [
        "id\taccount\tname\trole\tgroups\tcreated\texpires\tlast used\trevoked",
        f"{ID}\tacme\ta feed\twriter\ta, b\t2026-11-22T10:00:00Z\t\t\t2026-11-22T10:00:00Z",
    ]


def test_tokens_are_listed_as_a_table_for_a_person(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    token = tokens.Token(ID, "acme", "[bold]feed", "writer", [], MOMENT, None, None, None)
    cli_tokens.show(cli_tokens._COLUMNS, [cli_tokens._row(token)])
    shown = capsys.readouterr().out
    assert "[bold]feed" in shown
    assert str(ID) in shown


@pytest.mark.parametrize("found", [True, False])
def test_revoking(found: bool, store: None, monkeypatch: pytest.MonkeyPatch) -> None:
    async def revoke(pool: object, id_: UUID) -> bool:
        assert id_ == ID
        return found

    monkeypatch.setattr(tokens, "revoke_token", revoke)
    result = ingest("token", "revoke", str(ID))
    if found:
        assert (result.exit_code, result.stdout) == (0, "")
    else:
        assert complaint(result) == f"there is no token {ID} that could be revoked"


def test_a_quota_is_a_number_or_none(store: None, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[object, ...]] = []

    async def save(*arguments: object) -> None:
        given.append(arguments)

    monkeypatch.setattr(quotas, "set_quota", save)
    for maximum in ("0", "500", "none"):
        result = ingest("quota", "set", "--account", "acme", "contacts", maximum)
        assert (result.exit_code, result.stdout) == (0, "")
    assert [each[1:] for each in given] == [
        ("acme", "contacts", 0),
        ("acme", "contacts", 500),
        ("acme", "contacts", None),
    ]


def test_a_role_that_allows_nothing_known_is_one_line(store: None) -> None:
    assert "'write' is no right" in complaint(ingest("role", "create", "feed", "write"))
