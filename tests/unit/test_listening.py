"""Addresses that are listened on, as this machine reaches them."""

import pytest

from ingest.listening import local_url


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
