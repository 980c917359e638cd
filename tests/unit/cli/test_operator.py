"""Tables of operators' commands: for a program, for a person."""

import sys
from datetime import UTC, datetime

import pytest

from ingest.cli.operator import admin_settings, show

MOMENT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def test_a_program_gets_tab_separated_values(capsys: pytest.CaptureFixture[str]) -> None:
    show(("name", "last used"), [("a\tfeed", MOMENT), (["a", "b"], None), (True, False)])
    assert capsys.readouterr().out.splitlines() == [
        "name\tlast used",
        "a feed\t2026-11-22T10:00:00Z",
        "a, b\t",
        "yes\tno",
    ]


def test_a_variable_that_is_no_setting_is_a_line(
    configured: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INGEST_LOG_LEVELS", "DEBUG")
    admin_settings()
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "ingest: INGEST_LOG_LEVELS is no setting; did you mean INGEST_LOG_LEVEL?"


def test_a_person_gets_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show(("id", "name"), [("7", "[bold]feed")])
    shown = capsys.readouterr().out
    assert "[bold]feed" in shown
    assert "7" in shown
