"""`ingest dev` before anything is started: the ready file, the URL, the resources."""

from pathlib import Path

import pytest

from ingest.errors import ConfigurationError
from ingest.processes.dev import absolute_resources, check_ready_file, local_url


def test_an_old_ready_file_is_removed(tmp_path: Path) -> None:
    (tmp_path / "ready").write_text("{}")
    check_ready_file(tmp_path / "ready")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["missing/ready", "."])
def test_a_ready_file_that_cannot_be_written_is_named(path: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the ready file"):
        check_ready_file(tmp_path / path)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("localhost", "http://localhost:80"),
    ],
)
def test_the_url_is_one_that_this_machine_can_reach(host: str, url: str) -> None:
    assert local_url(host, 80) == url


def test_a_file_of_resources_is_handed_on_with_its_whole_path() -> None:
    assert absolute_resources("crm") == "crm"
    assert absolute_resources("./crm.py") == str(Path("crm.py").absolute())
