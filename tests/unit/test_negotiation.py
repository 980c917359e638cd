"""`Accept` against what the service speaks (RFC 9110, 12.5.1)."""

import pytest

from ingest.formats.negotiation import JSON, choose

XML = "application/xml"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("APPLICATION/JSON; charset=utf-8", JSON),
        ("text/html, application/json;q=0.1", JSON),
        ("text/html", None),
        ("application/json;q=0", None),
        ("*/*, application/json;q=0", None),
        ("*/*;q=0", None),
    ],
)
def test_json_is_spoken_to_whoever_takes_it(accept: str | None, chosen: str | None) -> None:
    assert choose(accept) == chosen


def test_the_higher_quality_wins_and_the_first_on_a_tie() -> None:
    assert choose("application/json;q=0.5, application/xml", (JSON, XML)) == XML
    assert choose("application/*", (JSON, XML)) == JSON
    assert choose("application/xml;q=0.9, */*;q=0.1", (JSON, XML)) == XML
