"""YAML, in and out: the values of JSON, and no others.

A plain scalar is what YAML 1.2's JSON schema makes of it: `no`, `2026-11-22`, `1_000`, `0123`,
`1e3` and `.inf` are texts, on which other versions of YAML disagree. Aliases are refused, so that
no body becomes larger than it is, and so are tags, and a second document.
"""

import codecs
import re
from decimal import Decimal
from itertools import count
from typing import Any

import yaml

from ingest.errors import MalformedBody
from ingest.exactjson import exact_float
from ingest.formats.charsets import not_utf8
from ingest.formats.limits import BEYOND, Limits, no_body, too_many_items, too_many_values
from ingest.formats.nesting import nests_too_deep

_CORE = "tag:yaml.org,2002:"
_LITERALS: dict[str, Any] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*(?:[eE][-+][0-9]+)?)?")
_MAX_DIGITS = 400
_EVENTS = 1_000
"""How many of the parser's events are read between two checks."""


def decode(body: bytes, limits: Limits) -> list[Any] | dict[str, Any]:
    """The items of a YAML body, not yet validated: or the one mapping that it is.

    Raises:
        MalformedBody: not YAML, or YAML that JSON has no value for; the place is named.
        TooManyItems, BodyTooLarge
    """
    if not body.strip():
        raise no_body()
    try:
        document = _Builder(limits).build(yaml.CSafeLoader(body))
    except yaml.YAMLError as error:
        reason = _no_text(body) or _sentence(error)
        raise MalformedBody("The body is not valid YAML", reason) from None
    if not isinstance(document, list | dict):
        raise MalformedBody(
            "The body is neither a sequence nor a mapping", "Send a YAML sequence of mappings."
        )
    return document


class _Builder:
    """Makes values of the parser's events; no alias is ever followed."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._documents: list[Any] = []
        self._open: list[Any] = [self._documents]
        self._keys: list[str | None] = [None]
        self._values = 0

    def build(self, loader: Any) -> Any:
        for number in count():
            event = loader.get_event()
            if event is None:
                break
            if not number % _EVENTS:
                self._limits.check()
            kind = type(event)
            if len(self._open) == 1 and kind is yaml.ScalarEvent and _is_nothing(event):
                continue
            if kind is yaml.ScalarEvent:
                self._scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._start(event, {} if kind is yaml.MappingStartEvent else [])
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._open.pop()
                self._keys.pop()
            elif kind is yaml.AliasEvent:
                raise _refused(event, "Aliases are not read; write the value out")
            elif kind is yaml.DocumentStartEvent and self._documents:
                raise _refused(event, "Only one document is read")
        if not self._documents:
            raise no_body()
        return self._documents[0]

    def _scalar(self, event: Any) -> None:
        # Nearly all scalars, a million of them in a body, have no tag.
        tag = event.tag
        if self._wants_key():
            self._keys[-1] = event.value
            return
        if tag is None:
            self._put(event, _plain(event) if event.implicit[0] else event.value)
            return
        tag = tag.removeprefix(_CORE)
        if tag in ("", "null", "bool", "int", "float") and (event.implicit[0] or tag):
            value = _plain(event)
            if value is event.value and tag:
                text = f"{event.value[:50]!r} has the tag {event.tag[:50]!r}"
                raise _refused(event, f"{text}, and is none")
            self._put(event, value)
        elif tag in ("", "str", "!"):
            self._put(event, event.value)
        else:
            raise _refused(event, f"The tag {event.tag[:50]!r} is not read")

    def _start(self, event: Any, value: Any) -> None:
        name = "map" if isinstance(value, dict) else "seq"
        if event.tag not in (None, "!", _CORE + name):
            raise _refused(event, f"The tag {event.tag[:50]!r} is not read")
        if self._wants_key():
            raise _refused(event, "A key must be a scalar")
        if len(self._open) > self._limits.max_nesting:
            raise nests_too_deep(self._limits.max_nesting, _mark(event.start_mark).lower())
        self._put(event, value)
        self._open.append(value)
        self._keys.append(None)

    def _wants_key(self) -> bool:
        return isinstance(self._open[-1], dict) and self._keys[-1] is None

    def _put(self, event: Any, value: Any) -> None:
        self._values += 1
        if self._values > self._limits.max_values:
            raise too_many_values(self._limits.max_values)
        parent = self._open[-1]
        if isinstance(parent, dict):
            parent[self._keys[-1]] = value
            self._keys[-1] = None
        else:
            if len(self._open) == 2 and len(parent) >= self._limits.max_items:
                raise too_many_items(self._limits.max_items)
            parent.append(value)


def _is_nothing(event: Any) -> bool:
    """Whether a scalar is not written at all, as that of a document of comments."""
    return not event.value and not event.style and event.tag is None


def _plain(event: Any) -> Any:
    """What a plain scalar is, else its text."""
    text: str = event.value
    if text in _LITERALS:
        return _LITERALS[text]
    if _FLOAT.fullmatch(text) is None:
        return text
    if len(text) > _MAX_DIGITS:
        raise _refused(event, "The number has too many digits")
    value: Any = int(text) if _INTEGER.fullmatch(text) else exact_float(text)
    if abs(value) >= BEYOND:
        raise _refused(event, "The number is beyond a double")
    return value


def _refused(event: Any, reason: str) -> MalformedBody:
    return MalformedBody(
        "The body has what is not read of YAML", f"{_mark(event.start_mark)}: {reason}."
    )


def _no_text(body: bytes) -> str | None:
    """Where a body is no text; None where it is, or is UTF-16."""
    return None if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else not_utf8(body)


def _sentence(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError):
        return f"{' '.join(str(error).split())[:200]}."
    reason = ", ".join(filter(None, (error.context, error.problem)))[:200]
    return f"{_mark(error.problem_mark or error.context_mark)}: {reason}."


def _mark(mark: Any) -> str:
    return "Somewhere" if mark is None else f"Line {mark.line + 1}, column {mark.column + 1}"


def _number(value: Decimal) -> str:
    """With a point where there is an exponent: all versions of YAML read that as a number."""
    digits, exponent, power = str(value).partition("E")
    return f"{digits}.0E{power}" if exponent and "." not in digits else str(value)


class _Dumper(yaml.CSafeDumper):
    """Quotes whatever one version of YAML or another would not read as the text that it is."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(
    Decimal, lambda dumper, value: dumper.represent_scalar(_CORE + "float", _number(value))
)
_Dumper.add_implicit_resolver(
    _CORE + "float",
    re.compile(r"[-+]?\.?[0-9][0-9_]*\.?[0-9]*(?:[eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


def encode(document: Any) -> bytes:
    """A document of JSON values as YAML."""
    text: bytes = yaml.dump(
        document,
        Dumper=_Dumper,
        encoding="utf-8",
        allow_unicode=True,
        sort_keys=False,
        width=2**31 - 1,
    )
    return text
