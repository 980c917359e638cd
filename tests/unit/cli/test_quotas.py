"""`ingest quota …`: what it hands on."""

import pytest

from ingest.store import quotas
from tests.unit.cli.running import ingest


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
