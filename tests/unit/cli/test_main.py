"""The command line: what each command hands on, prints, and reports when it cannot work."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from uuid import UUID

import pytest

from ingest.errors import ConfigurationError
from ingest.processes.port import free_port
from ingest.settings import Settings
from tests.unit.cli.running import complaint, ingest

ID = UUID("0193aaaa-0000-7000-8000-000000000001")


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
    app.serve = lambda settings, file: served.append(settings)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ingest.app", app)
    monkeypatch.setenv("INGEST_PORT", "1234")
    monkeypatch.setenv("INGEST_HOST", "192.0.2.1")
    assert ingest("serve", "--port", "4321").exit_code == 0
    assert (served[0].host, served[0].port) == ("192.0.2.1", 4321)


def test_worker_becomes_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    executed: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(os, "execv", lambda *arguments: executed.append(arguments))
    ingest("worker")
    ingest("worker", "--ready-file", "ready.json")
    command = [sys.executable, "-m", "workers"]
    assert executed == [
        (sys.executable, command),
        (sys.executable, [*command, "--ready-file", "ready.json"]),
    ]


def fake_migrations(monkeypatch: pytest.MonkeyPatch, *done: str) -> list[str]:
    """Migrations that claim to have done something; the URLs that they were run on."""
    urls: list[str] = []

    def migrate(database_url: str, registry: object, *, drop: bool, wait: float) -> list[str]:
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
    def refuse(database_url: str, registry: object, **_: object) -> list[str]:
        raise ConfigurationError("column age would lose data")

    run = ModuleType("migrations.run")
    run.migrate = refuse  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "migrations.run", run)
    assert complaint(ingest("migrate")) == "column age would lose data"
