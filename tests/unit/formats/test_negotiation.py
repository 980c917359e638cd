"""`Accept` against what the service speaks (RFC 9110, 12.5.1)."""

import pytest

from ingest.formats.negotiation import CSV, JSON, NDJSON, XML, YAML, choose


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
        ("*/*, application/json;q=0, application/xml;q=0, application/yaml;q=0", None),
        ("text/xml", None),
        ("text/csv", None),
        ("*/*;q=0", None),
    ],
)
def test_json_wins_where_it_is_accepted(accept: str | None, chosen: str | None) -> None:
    assert choose(accept) == chosen


def test_the_higher_quality_wins_and_the_first_on_a_tie() -> None:
    assert choose("application/json;q=0.5, application/xml", (JSON, XML)) == XML
    assert choose("application/*", (JSON, XML)) == JSON
    assert choose("application/xml;q=0.9, */*;q=0.1", (JSON, XML)) == XML


def test_every_format_can_be_asked_for() -> None:
    assert choose("application/yaml") == YAML
    assert choose("application/yaml, application/xml;q=0.9, */*;q=0.8") == YAML
    assert choose("*/*, application/json;q=0") == XML
    assert choose("*/*, application/json;q=0, application/xml;q=0.1") == YAML
    assert choose("application/*;q=0.5, application/json;q=0.1") == XML
    assert choose("text/*", (JSON, NDJSON, CSV)) == CSV
