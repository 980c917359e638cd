"""The ready file: checked first, written and rewritten, removed in the end."""

import json
import stat
from pathlib import Path

import pytest

from ingest.errors import ConfigurationError
from ingest.ready_file import check_ready_file, ready_file


def test_an_old_ready_file_is_removed(tmp_path: Path) -> None:
    (tmp_path / "ready").write_text("{}")
    check_ready_file(tmp_path / "ready")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["missing/ready", "."])
def test_a_ready_file_that_cannot_be_written_is_named(path: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the ready file"):
        check_ready_file(tmp_path / path)


def test_it_is_rewritten_and_removed(tmp_path: Path) -> None:
    path, pids = tmp_path / "ready", {"api": [1]}
    with ready_file(path, {"url": "http://h:1"}, lambda: pids) as rewrite:
        assert json.loads(path.read_text()) == {"url": "http://h:1", "pids": {"api": [1]}}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        pids["api"] = [2]
        rewrite()
        assert json.loads(path.read_text())["pids"] == {"api": [2]}
    assert not path.exists()


def test_a_file_that_cannot_be_rewritten_stops_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with ready_file(folder / "ready", {}, dict) as rewrite:
        (folder / "ready").unlink()
        folder.rmdir()
        rewrite()
