"""`Accept` against what the service speaks (RFC 9110, 12.5.1), and the dialects that it names."""

import pytest

from ingest.dialects import DIALECTS, PROBLEMS
from ingest.formats.negotiation import CSV, JSON, NDJSON, RESPONSES, XML, YAML
from ingest.http.accept import Accepted, accepted

NAMED = DIALECTS["collection"]
PROBLEM = PROBLEMS[None]


def chosen(accept: str, available: tuple[str, ...] = RESPONSES) -> str | None:
    return accepted(accept, available).media_type


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
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
def test_json_wins_where_it_is_accepted(accept: str, media_type: str | None) -> None:
    assert chosen(accept) == media_type


def test_the_higher_quality_wins_and_the_first_on_a_tie() -> None:
    assert chosen("application/json;q=0.5, application/xml", (JSON, XML)) == XML
    assert chosen("application/*", (JSON, XML)) == JSON
    assert chosen("application/xml;q=0.9, */*;q=0.1", (JSON, XML)) == XML


def test_every_format_can_be_asked_for() -> None:
    assert chosen("application/yaml") == YAML
    assert chosen("application/yaml, application/xml;q=0.9, */*;q=0.8") == YAML
    assert chosen("*/*, application/json;q=0") == XML
    assert chosen("*/*, application/json;q=0, application/xml;q=0.1") == YAML
    assert chosen("application/*;q=0.5, application/json;q=0.1") == XML
    assert chosen("text/*", (JSON, NDJSON, CSV)) == CSV


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/json; dialect={}", JSON),
        ("application/json;dialect={}", JSON),
        ("Application/JSON; Dialect={}", JSON),
        ('application/json; dialect="{}"', JSON),
        ("application/json; q=0.5; dialect={}", JSON),
        ("application/json; dialect={}; q=0.5", JSON),
        ("application/json; charset=utf-8; dialect={};q=0.5", JSON),
        ("*/*; dialect={}", JSON),
        ("application/*; dialect={}", JSON),
        ("application/xml; dialect={}", XML),
        ("application/yaml; dialect={}", YAML),
        ("text/html, application/json; dialect={}, */*; q=0.1", JSON),
    ],
)
def test_x01_a_range_names_a_dialect(name: str, accept: str, media_type: str) -> None:
    for spelled in (name, name.upper(), name.title()):
        found = accepted(accept.format(spelled), RESPONSES)
        assert (found.media_type, found.dialect) == (media_type, DIALECTS[name])


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        ("application/json; dialect=nope", Accepted(None, unknown=True)),
        ("application/json; dialect=", Accepted(None, unknown=True)),
        ("application/json; dialect", Accepted(None, unknown=True)),
        ('application/json; dialect="hash', Accepted(None, unknown=True)),
        ("*/*; dialect=problem, application/xml; dialect=x", Accepted(None, unknown=True)),
        ("application/json; dialect=nope, */*", Accepted(JSON)),
        ("application/json; dialect=nope, application/xml", Accepted(XML, concrete=True)),
        (
            "application/json; dialect=nope, application/xml; dialect=collection; q=0.1",
            Accepted(XML, NAMED, concrete=True),
        ),
        ("application/json; dialect=nope, text/html", Accepted(None)),
    ],
)
def test_x04_a_range_of_an_unknown_dialect_matches_nothing(accept: str, found: Accepted) -> None:
    assert accepted(accept, RESPONSES) == found


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        (
            "application/json; dialect=collection; q=0.1, application/json",
            Accepted(JSON, concrete=True),
        ),
        (
            "application/json; q=0.1, application/json; dialect=collection",
            Accepted(JSON, NAMED, concrete=True),
        ),
        ("application/json, application/json; dialect=collection", Accepted(JSON, NAMED, True)),
        ("application/json; dialect=collection; q=0, */*", Accepted(JSON)),
        ("application/json; dialect=collection; q=0", Accepted(None)),
        (
            "application/xml; dialect=collection, application/json; q=0.9",
            Accepted(XML, NAMED, True),
        ),
        ("text/html; dialect=collection", Accepted(None, NAMED)),
        ('application/json; a="b,c"; dialect=collection', Accepted(JSON, NAMED, True)),
        ('application/json; a="b;dialect=hash"; dialect=collection', Accepted(JSON, NAMED, True)),
        ('application/json; a="b;dialect=hash"', Accepted(JSON, concrete=True)),
        ("*/*; dialect=collection, application/xml", Accepted(JSON, NAMED, named=XML)),
    ],
)
def test_x01_the_dialect_is_that_of_the_best_range(accept: str, found: Accepted) -> None:
    assert accepted(accept, RESPONSES) == found


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        ("application/problem+json", Accepted(JSON, PROBLEM, concrete=True)),
        ("application/problem+json, application/json", Accepted(JSON, PROBLEM, concrete=True)),
        ("application/json, application/problem+json", Accepted(JSON, PROBLEM, concrete=True)),
        ("*/*, application/problem+json; q=0.9", Accepted(JSON)),
        ("application/xml, application/problem+json", Accepted(XML, concrete=True)),
        ("application/problem+json; q=0, */*", Accepted(JSON)),
        (
            "application/json; dialect=collection, application/problem+json",
            Accepted(JSON, NAMED, True),
        ),
        (
            "application/problem+json; dialect=collection",
            Accepted(JSON, PROBLEMS["collection"], concrete=True),
        ),
        ("application/problem+json; dialect=hash", Accepted(None, unknown=True)),
        ("application/problem+json; dialect=problem", Accepted(None, unknown=True)),
    ],
)
def test_x13_problem_details_are_the_second_face_of_the_default(
    accept: str, found: Accepted
) -> None:
    assert accepted(accept, RESPONSES) == found


def test_h05_a_type_that_is_named_wins_over_what_a_range_admits() -> None:
    assert accepted("application/xml, */*", RESPONSES) == Accepted(XML, concrete=True)
    assert accepted("*/*, application/yaml", RESPONSES) == Accepted(YAML, concrete=True)


def test_a_range_is_not_the_name_of_a_media_type() -> None:
    assert accepted("application/json", RESPONSES).concrete
    assert not accepted("", RESPONSES).concrete
    assert not accepted("*/*", RESPONSES).concrete
    assert not accepted("application/*; dialect=collection", RESPONSES).concrete
    assert not accepted("application/json-seq, */*; q=0.5", RESPONSES).concrete
