"""`ingest dev` before anything is started: the URL and the resources."""

from pathlib import Path

import pytest

from ingest.processes.dev import absolute_resources, local_url


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
