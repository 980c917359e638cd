"""What marshmallow's patterns answer to long texts, found out without them."""

import itertools
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields, validate

from ingest.validation.engine.compiler import compile_load
from ingest.validation.engine.long_texts import (
    LONG,
    LongText,
    longest,
    shorten_rules,
    shorter_domain,
    shorter_url,
    shorter_user,
)

MANY = LONG + 1
USER = [
    "a" * MANY,
    "b." * MANY,
    "é",
    "Z9",
    ".",
    "@",
    '"',
    "\\",
    '\\"',
    " ",
    "\x01",
    "\t",
    "\u017f",
    "\n",
]
DOMAIN = [
    "a." * MANY,
    "b" * MANY,
    "a-b." * MANY,
    "c",
    "-",
    ".",
    "dé",
    "com",
    "_",
    "[",
    "1",
    " ",
    "\n",
]
URL = [
    *("http", "://", "a" * MANY, "b." * MANY, "%2f" * MANY, "c.de", "x", ".", "@", "/", "?", "#"),
    *(":", "1" * MANY, "[", "a:" * MANY, "a:a", "]", " ", "%", "é", "localhost"),
]


def long_texts(parts: list[str], before: str = "", after: str = "") -> Iterator[str]:
    """Texts of a few parts, at least one of which is long."""
    chosen = random.Random(7)
    for _ in range(1_500):
        text = before + "".join(chosen.choices(parts, k=chosen.randint(1, 5))) + after
        if len(text) > LONG:
            yield text


def assert_alike(pattern: "re.Pattern[str]", shorter: Any, texts: Iterator[str]) -> None:
    found = [0, 0]
    for text in texts:
        matched = pattern.match(text) is not None
        assert (LongText(pattern, shorter).match(text) is not None) is matched, repr(text[-100:])
        found[matched] += 1
    assert min(found) > 5, found


def test_what_is_before_an_at() -> None:
    pattern = validate.Email.USER_REGEX
    assert_alike(pattern, shorter_user, long_texts(USER))
    assert_alike(pattern, shorter_user, long_texts(USER, '"', '"'))


def test_what_is_behind_an_at() -> None:
    assert_alike(validate.Email.DOMAIN_REGEX, shorter_domain, long_texts(DOMAIN))


@pytest.mark.parametrize(
    ("relative", "absolute", "require_tld"),
    [each for each in itertools.product([True, False], repeat=3) if each[0] or each[1]],
)
def test_urls(relative: bool, absolute: bool, require_tld: bool) -> None:
    options = {"relative": relative, "absolute": absolute, "require_tld": require_tld}
    pattern = validate.URL._regex(**options)
    texts = (
        *long_texts(URL),
        *long_texts(URL, "http://"),
        *long_texts(URL, "http://a.de"),
        *long_texts(URL, "/"),
    )
    assert_alike(pattern, shorter_url, iter(texts))


@pytest.mark.parametrize(
    ("pattern", "most"),
    [
        (r"^[a-z]{2,3}$", 4),
        (r"(ab|c){1,4}\Z", 9),
        (r"[a-z]{2}", None),
        (r"^[a-z]+$", None),
        (r"a|b$", None),
        (r"(?m)^[a-z]{2}$", None),
        (r"", None),
    ],
)
def test_how_long_a_text_of_a_pattern_can_be(pattern: str, most: int | None) -> None:
    assert longest(re.compile(pattern)) == most


class PersonSchema(Schema):
    email = fields.Email(validate=validate.Length(max=254))
    any_email = fields.Email(error_messages={"invalid": "{input:.5} is none"})
    url = fields.Url(validate=[validate.Length(max=20), validate.Regexp(r"^.{5,9}\Z")])
    code = fields.String(validate=validate.And(validate.Regexp(r"^[A-Z]{3}$"), validate.Email()))
    emails = fields.List(fields.Email())
    by_name = fields.Dict(keys=fields.Email(), values=fields.Url(relative=True))
    pair = fields.Tuple((fields.Email(), fields.Integer()))
    friend = fields.Nested(lambda: PersonSchema(only=("email", "url", "code")))


class SamePersonSchema(PersonSchema):
    """With validators of its own, which nothing has been done to."""

    email = fields.Email(validate=validate.Length(max=254))
    any_email = fields.Email(error_messages={"invalid": "{input:.5} is none"})
    url = fields.Url(validate=[validate.Length(max=20), validate.Regexp(r"^.{5,9}\Z")])
    code = fields.String(validate=validate.And(validate.Regexp(r"^[A-Z]{3}$"), validate.Email()))
    emails = fields.List(fields.Email())
    by_name = fields.Dict(keys=fields.Email(), values=fields.Url(relative=True))
    pair = fields.Tuple((fields.Email(), fields.Integer()))
    friend = fields.Nested(lambda: SamePersonSchema(only=("email", "url", "code")))


TEXTS = [
    *("a" * MANY + "@example.com", "a" * MANY, "a." * MANY + "@b.cc", '"' + "a" * MANY + '"@b.cc'),
    *("a@" + "b." * MANY + "cc", "http://" + "a." * MANY + "de/x", "/" + "a" * MANY, "A" * MANY),
    *("x@y.zz", "http://a.de", "ABC", ""),
]


def outcome(load: Any, item: Any) -> Any:
    try:
        return load(item)
    except ValidationError as error:
        return error.messages, error.valid_data


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_results_and_messages_are_those_of_marshmallow(text: str) -> None:
    plain, schema = SamePersonSchema(), PersonSchema()
    shorten_rules(schema)
    shorten_rules(schema)  # once more changes nothing
    compiled = compile_load(schema)
    items = [
        *({name: text} for name in ("email", "any_email", "url", "code")),
        {"emails": [text, "x@y.zz"]},
        {"by_name": {text: text}},
        {"pair": [text, 1]},
        {"friend": {"email": text, "url": text, "code": text}},
    ]
    for item in items:
        expected = outcome(plain.load, item)
        assert outcome(schema.load, item) == expected
        assert outcome(compiled.load, item) == expected


def test_no_long_text_reaches_a_pattern_that_would_take_long() -> None:
    given: list[int] = []

    class Counting:
        pattern, flags = "", 0

        def match(self, text: str) -> None:
            given.append(len(text))

    rule = validate.Email()
    rule.USER_REGEX = LongText(Counting(), shorter_user)  # type: ignore[arg-type,assignment,misc]
    with pytest.raises(ValidationError):
        rule("a." * 10**6 + "a@b.cc")
    with pytest.raises(ValidationError):
        rule('"' + "a" * 10**6 + '"@b.cc')
    assert given == [1, 2]


class Branch(Schema):
    mail = fields.Email()
    inner = fields.Nested(lambda: Branch(only=("mail", "inner")))


def test_a_schema_inside_of_itself_is_answered_alike_on_every_level() -> None:
    schema = Branch()
    shorten_rules(schema)
    long = "a." * LONG + "@example.com"
    for item in ({"mail": long}, {"inner": {"inner": {"mail": long}}}):
        assert Branch().validate(item) == schema.validate(item) != {}
