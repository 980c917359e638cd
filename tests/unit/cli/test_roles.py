"""`ingest role …`: what it refuses."""

from tests.unit.cli.running import complaint, ingest


def test_a_role_that_allows_nothing_known_is_one_line(store: None) -> None:
    assert "'write' is no right" in complaint(ingest("role", "create", "feed", "write"))
