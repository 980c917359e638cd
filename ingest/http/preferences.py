"""The `Prefer` header (RFC 7240)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from ingest.errors import InvalidParameter
from ingest.model import Resolution

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
# What stands between two commas, and then a name, perhaps a value, perhaps parameters (which
# none of ours has).
_PART = re.compile(rf'(?:[^",]|{_QUOTED})+')
_PREFERENCE = re.compile(
    rf"\s*(?P<name>{_WORD})(?:\s*=\s*(?P<value>{_WORD}|{_QUOTED}))?\s*(?:;.*)?", re.DOTALL
)
_MAX_WAIT_DIGITS = 6

_CHOICES: dict[str, tuple[str, ...]] = {
    "handling": ("strict", "lenient"),
    "resolution": ("merge-duplicates", "replace", "ignore-duplicates"),
    "return": ("minimal", "representation"),
    "replay": ("return",),
    "repair": ("keep",),
}


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a request prefers; `wait` in seconds, None where it does not say.

    `applied` is what `Preference-Applied` says.
    """

    respond_async: bool = False
    wait: int | None = None
    minimal: bool = False
    lenient: bool = False
    resolution: Resolution = Resolution.REFUSE
    replay_returns: bool = False
    keeps: bool = False
    """Whether what is refused for its items is kept to be repaired."""
    applied: tuple[str, ...] = ()


@lru_cache(maxsize=256)  # a client sends the same ones again and again
def parse_preferences(headers: tuple[str, ...]) -> Preferences:
    """Read all `Prefer` headers of a request. Unknown preferences are ignored, the first of a
    repeated one counts.

    Raises:
        InvalidParameter: a known preference has an illegal value; it is named.
    """
    found: dict[str, str] = {}
    for header in headers:
        for name, value in _parse(header):
            found.setdefault(name.lower(), value)
    known = {name: found[name] for name in ("respond-async", "wait", *_CHOICES) if name in found}
    for name, choices in _CHOICES.items():
        if name in known and known[name] not in choices:
            raise _illegal(name, known[name], " or ".join(choices))
    if known.get("respond-async"):
        raise _illegal("respond-async", known["respond-async"], "no value")
    return Preferences(
        respond_async="respond-async" in known,
        wait=_wait(known.get("wait")),
        minimal=known.get("return") == "minimal",
        lenient=known.get("handling") == "lenient",
        resolution=Resolution(known.get("resolution", Resolution.REFUSE)),
        replay_returns="replay" in known,
        keeps="repair" in known,
        applied=tuple(f"{name}={value}" if value else name for name, value in known.items()),
    )


def _parse(header: str) -> Iterable[tuple[str, str]]:
    position = 0
    while position < len(header):
        part = _PART.match(header, position)
        if part is None and header[position] != ",":
            raise _unreadable(position)
        if part is not None and part[0].strip():
            preference = _PREFERENCE.fullmatch(part[0])
            if preference is None:
                raise _unreadable(position)
            yield preference["name"], _unquoted(preference["value"] or "")
        position = position + 1 if part is None else part.end()


def _unreadable(position: int) -> InvalidParameter:
    return InvalidParameter(
        "The Prefer header cannot be read",
        f"At character {position}; send it as `Prefer: return=minimal, wait=5`.",
    )


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _wait(value: str | None) -> int | None:
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= _MAX_WAIT_DIGITS):
        raise _illegal("wait", value, "a whole number of seconds")
    return int(value)


def _illegal(name: str, value: str, wanted: str) -> InvalidParameter:
    return InvalidParameter(
        f"The preference {name!r} cannot be {value[:50]!r}", f"It takes {wanted}."
    )
