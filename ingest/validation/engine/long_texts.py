"""Long texts and marshmallow's patterns: the same answers, in little time and memory.

Python's `re` takes 230 bytes and up to 0.6 µs for each character that a repeated group matches, and
lets no other code run meanwhile: an e-mail address of 6 MB takes 1.3 GB. So such a pattern is given
no long text. In its place goes a short one, which the pattern answers alike: a part of any length
(a local part, the labels of a host, a path) is looked through for what the pattern takes there,
window by window, and then stands for one of a few characters. A pattern of the user's whose texts
cannot be longer than so much is not asked about a longer one.
"""

import re
from collections.abc import Callable, Hashable, Iterator
from typing import Any

from marshmallow import Schema, fields, validate

from ingest.resources.resource import nested_in
from ingest.resources.shapes import shape_of
from ingest.validation.engine.known import has_known_rules

LONG = 4 * 1024
"""Characters above which a text is long."""
_WINDOW = 64 * 1024
"""Characters that are looked through in one go: a few milliseconds."""
_BOTH = re.IGNORECASE | re.UNICODE

_LETTER = "A-Z0-9\u00a1-\uffff"
# Sources and flags of patterns: compiled where they are used first, for they are rarely.
_Part = tuple[str, int]
_ATOMS: _Part = (r"[-!#$%&'*+/=?^`{}|~\w.]*", _BOTH)
_QUOTED: _Part = (
    r"(?:[\001-\010\013\014\016-\037!#-\[\]-\177]|\\[\001-\011\013\014\016-\177])*+",
    _BOTH,
)
_LABELS: _Part = (rf"(?:[{_LETTER}](?:[{_LETTER}-]{{0,61}}[{_LETTER}])?\.)*+", _BOTH)
_LAST_LABEL: _Part = (rf"[{_LETTER}-]*", _BOTH)
_SCHEME: _Part = (r"[a-z0-9\.\-\+]*", re.IGNORECASE)
_CREDENTIALS: _Part = (r"(?:[a-z0-9\-._~!$&'()*+,;=:]|%[0-9a-f]{2})*+", re.IGNORECASE)
_HEXADECIMAL: _Part = (r"[A-F0-9:]*", re.IGNORECASE)
_DIGITS: _Part = (r"\d*", re.IGNORECASE)
_VISIBLE: _Part = (r"\S*", 0)
_NOTHING = " "  # no pattern here takes it


class LongText:
    """Stands in a validator for a pattern, and answers long texts in another way."""

    def __init__(self, pattern: "re.Pattern[Any]", shorter: Callable[[str], str | None]) -> None:
        """
        Args:
            shorter: from a long text to a short one that the pattern answers alike; None for one
                that it does not match.
        """
        self.compiled = pattern
        self.pattern, self.flags = pattern.pattern, pattern.flags
        self._shorter = shorter

    def match(self, text: Any) -> "re.Match[Any] | None":
        if type(text) is not str or len(text) <= LONG:
            return self.compiled.match(text)
        short = self._shorter(text)
        return None if short is None else self.compiled.match(short)

    search = match  # where it is used, the pattern begins with ^


def shorten_rules(schema: Schema) -> None:
    """Have marshmallow's own rules answer long texts so, in a schema and in those nested in it.

    What they answer stays the same, and so does the text of every message.
    """
    if has_known_rules():
        for field in _fields(schema):
            for validator in field.validators:
                _shorten(validator)


def own_parts(validator: Any) -> list[str]:
    """The patterns of a validator object that the user has set in place of its class's."""
    return sorted(
        name
        for name, value in vars(validator).items()
        if name in {"USER_REGEX", "DOMAIN_REGEX", "DOMAIN_WHITELIST", "_regex"}
        and not isinstance(value, LongText | _UrlPatterns)
    )


def _shorten(validator: Any) -> None:
    kind = type(validator)
    if kind is validate.And:
        for each in validator.validators:
            _shorten(each)
    elif kind is validate.Email and not own_parts(validator):
        validator.USER_REGEX = LongText(validate.Email.USER_REGEX, shorter_user)
        validator.DOMAIN_REGEX = LongText(validate.Email.DOMAIN_REGEX, shorter_domain)
    elif kind is validate.URL and not own_parts(validator):
        validator._regex = _UrlPatterns()
    elif kind is validate.Regexp and _is_of_text(validator.regex):
        most = longest(validator.regex)
        if most is not None:
            pattern = validator.regex
            validator.regex = LongText(pattern, lambda text: None if len(text) > most else text)


def _is_of_text(pattern: Any) -> bool:
    return type(pattern) is re.Pattern and type(pattern.pattern) is str


class _UrlPatterns:
    """The patterns of an URL validator, by its options."""

    def __call__(self, **options: bool) -> LongText:
        return LongText(validate.URL._regex(**options), shorter_url)


def longest(pattern: "re.Pattern[Any]") -> int | None:
    """The most characters of a text that a pattern matches; None where any number may be."""
    parse = re._parser.parse  # type: ignore[attr-defined]
    parsed = parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    _, most = parsed.getwidth()
    if most >= _ANY or not parsed or pattern.flags & re.MULTILINE:
        return None  # with that flag, `$` stands before any newline
    name, where = parsed[-1]
    ends = str(name) == "AT" and str(where) in ("AT_END", "AT_END_STRING")
    return int(most) + 1 if ends else None  # a newline may stand behind `$`


_ANY = 2**16 - 1
"""Widths from here on stand for any, in one release of Python or another."""


def shorter_user(text: str) -> str | None:
    """What is before the last @ of an e-mail address."""
    if text.startswith('"'):
        whole = text.endswith('"') and _takes(_QUOTED, text, 1, len(text) - 1)
        return '""' if whole else None
    dots = text.startswith(".") or text.endswith(".") or ".." in text
    return None if dots or not _takes(_ATOMS, text) else "a"


def shorter_domain(text: str) -> str | None:
    """What is behind the last @ of an e-mail address."""
    labels, dot, last = text.rpartition(".")
    whole = dot and len(last) > 1 and _takes(_LABELS, labels + dot) and _takes(_LAST_LABEL, last)
    return "a.aa" if whole else None


def shorter_url(text: str) -> str | None:
    """A URL, absolute or not."""
    scheme, slashes, rest = text.partition("://")
    if text[0] in "/?#":
        return _path(text)
    if not slashes or not _takes(_SCHEME, scheme):
        return None
    begins = _first_of(rest, "/?#")
    authority, path = _authority(rest[:begins]), _path(rest[begins:])
    return None if authority is None or path is None else f"a://{authority}{path}"


def _path(text: str) -> str | None:
    if len(text) < 2:
        return text
    return text[0] + "a" if _takes(_VISIBLE, text, 1) else None


def _authority(text: str) -> str | None:
    """Credentials, host and port; all of it is long, or short enough as it is."""
    if len(text) <= LONG:
        return text
    credentials, at, place = text.rpartition("@")
    if at and not _takes(_CREDENTIALS, credentials):
        return None
    if place.startswith("["):
        inside, bracket, port = place[1:].partition("]")
        first, colon, others = inside.partition(":")
        good = bracket and colon and others and _takes(_HEXADECIMAL, first + others)
        host: str | None = "[a:a]" if good else None
    else:
        name, colon, port = place.partition(":")
        host, port = _host(name), colon + port
    if host is None or (port and not (port[0] == ":" and _takes(_DIGITS, port, 1))):
        return None
    return f"{at}{host}{port[:2]}"


def _host(name: str) -> str | None:
    """A name of a host, with the dot that may end it."""
    if len(name) <= LONG:
        return name
    return shorter_domain(name.removesuffix("."))


def _takes(part: _Part, text: str, start: int = 0, end: int | None = None) -> bool:
    """Whether a pattern that repeats one thing takes all of a text, window by window."""
    end = len(text) if end is None else end
    pattern = re.compile(*part)
    while start < end:
        found = pattern.match(text, start, min(start + _WINDOW, end))
        if found is None or found.end() == start:
            return False
        start = found.end()
    return True


def _first_of(text: str, characters: str) -> int:
    """Where the first of some characters is; the end of the text where none is."""
    return min((at for at in map(text.find, characters) if at >= 0), default=len(text))


def _fields(schema: Schema, around: tuple[Hashable, ...] = ()) -> "Iterator[fields.Field[Any]]":
    """Every field that a schema loads, those in others and in nested schemas included.

    A schema inside of itself is made of copies of the same fields, which have the same validators.
    """
    shape = shape_of(schema)
    if shape in around:
        return
    for field in schema.load_fields.values():
        yield from _in_field(field)
        for nested in nested_in(field):
            yield from _fields(nested.schema, (*around, shape))


def _in_field(field: "fields.Field[Any]") -> "Iterator[fields.Field[Any]]":
    yield field
    names = ("inner", "key_field", "value_field", "field")
    for each in (
        *(getattr(field, name, None) for name in names),
        *getattr(field, "tuple_fields", ()),
    ):
        if isinstance(each, fields.Field):
            yield from _in_field(each)
