"""How findings are worded."""

import datetime as dt

import pytest

from ingest.doctor import Finding
from ingest.doctor.finding import ago, counted
from ingest.doctor.versions import is_too_old

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 seconds"), (1, "1 second"), (3599, "59 minutes"), (3600, "1 hour"), (2e5, "2 days")],
)
def test_an_age_is_in_its_largest_unit(seconds: float, text: str) -> None:
    assert ago(NOW - dt.timedelta(seconds=seconds), NOW) == text


def test_a_finding_is_one_line_whatever_it_names() -> None:
    finding = Finding("deals of account a\n\x1b[2J", "wrong", "mend it")
    assert str(finding) == "deals of account a\\n\\x1b[2J: wrong; mend it"


def test_numbers_have_their_nouns() -> None:
    assert [counted(1, "batch"), counted(2_000, "batch")] == ["1 batch", "2,000 batches"]
    assert counted(0, "item") == "0 items"


@pytest.mark.parametrize(
    ("version", "old"), [("6.0.16", True), ("6.2.0", False), ("7.2.4", False), ("10.0", False)]
)
def test_redis_is_too_old_before_6_2(version: str, old: bool) -> None:
    assert is_too_old(version) is old
