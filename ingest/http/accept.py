"""Which media type and dialect an answer has, by `Accept` (RFC 9110, 12.5.1)."""

import re
from functools import lru_cache
from typing import NamedTuple

from ingest.dialects import DEFAULT, DIALECTS, PROBLEM
from ingest.dialects.answer import Dialect
from ingest.formats.negotiation import JSON, choose

_PROBLEM = str(PROBLEM.media_type)
_DIALECT = re.compile(r""";\s*dialect\s*=\s*"?([^\s;,"]*)"?""", re.IGNORECASE)


class Accepted(NamedTuple):
    """What a header admits."""

    media_type: str | None
    """None where it admits none that there is."""
    dialect: Dialect | None = None
    """None where it names none."""
    concrete: bool = False
    """Whether it names the media type, and not only a range that includes it."""
    unknown: bool = False
    """Whether all that it names is of dialects that do not exist."""


@lru_cache(maxsize=256)  # clients send the same ones again and again
def accepted(header: str, available: tuple[str, ...]) -> Accepted:
    """The best of the media types for an `Accept` header, and the dialect that goes with it.

    A range that names a dialect which does not exist matches nothing.
    """
    if "dialect" not in header.lower() and _PROBLEM not in header.lower():
        chosen = choose(header, available)
        return Accepted(chosen, None, chosen is not None and chosen in header.lower())
    ranges: list[str] = []
    dialects: dict[str, Dialect] = {}
    for part in filter(None, map(str.strip, header.split(","))):
        plain = _DIALECT.sub("", part)
        named = _DIALECT.search(part)
        dialect = DIALECTS.get(named[1].lower()) if named else None
        name = plain.partition(";")[0].strip().lower()
        if named and (dialect is None or (name == _PROBLEM and dialect is not DEFAULT)):
            continue
        ranges.append(plain)
        if dialect is not None:
            dialects[name] = dialect
    if not ranges:
        return Accepted(None, unknown=True)
    faces = (*available, _PROBLEM) if JSON in available else available
    chosen = choose(", ".join(ranges), faces)
    if chosen is None:
        return Accepted(None)
    if chosen == _PROBLEM:
        return Accepted(JSON, PROBLEM, concrete=True)
    kind = chosen.partition("/")[0]
    named_by = (dialects.get(name) for name in (chosen, f"{kind}/*", "*/*"))
    found = next((each for each in named_by if each is not None), None)
    concrete = any(each.partition(";")[0].strip().lower() == chosen for each in ranges)
    return Accepted(chosen, found, concrete)
