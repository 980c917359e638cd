"""The patterns that spare marshmallow's longer ones match nothing that those do not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError, validate

from ingest.validation.engine.validators import PLAIN_EMAIL, PLAIN_URL

LABELS = st.text("abzAZ09", min_size=1, max_size=31)
HOSTS = st.lists(LABELS | st.tuples(LABELS, LABELS).map("-".join), min_size=1, max_size=4).flatmap(
    lambda labels: st.text("abcXYZ", min_size=2, max_size=63).map(
        lambda end: ".".join([*labels, end])
    )
)
NAMES = st.lists(st.text("aZ0_+-", min_size=1, max_size=70), min_size=1, max_size=4).map(".".join)


@settings(max_examples=300, deadline=None)
@given(NAMES, HOSTS)
def test_plain_addresses_are_addresses(name: str, host: str) -> None:
    address = f"{name}@{host}"
    assert PLAIN_EMAIL(address)
    validate.Email()(address)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["http", "https"]),
    HOSTS,
    st.sampled_from(["", ":80", ":99999999"]),
    st.just("") | st.just("/") | st.from_regex(r"[/?#]\S+", fullmatch=True),
    st.booleans(),
    st.booleans(),
)
def test_plain_urls_are_urls(
    scheme: str, host: str, port: str, rest: str, relative: bool, require_tld: bool
) -> None:
    url = f"{scheme}://{host}{port}{rest}"
    assert PLAIN_URL(url)
    validate.URL(relative=relative, require_tld=require_tld)(url)


@given(st.from_regex(r"[ab.+@-]{0,12}@?[ab.-]{0,8}\.[ab]{0,3}\n?", fullmatch=True))
def test_whatever_is_no_address_is_not_plain(text: str) -> None:
    try:
        validate.Email()(text)
    except ValidationError:
        assert not PLAIN_EMAIL(text)


@pytest.mark.parametrize(
    "text",
    ["a@b.co\n", "a@b.c", "a@" + "b" * 64 + ".co", ".a@b.co", "a@b..co", "a@-b.co", "a@b-.co"],
)
def test_near_misses_are_not_plain(text: str) -> None:
    assert not PLAIN_EMAIL(text)
    assert not PLAIN_URL(f"http://{text.partition('@')[2]}\n")
