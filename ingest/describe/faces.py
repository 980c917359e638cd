"""The ways in which an operation answers: in the default dialect, as problems, in the others."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from ingest.dialects import DEFAULT, DIALECTS, PROBLEMS
from ingest.dialects.answer import Dialect
from ingest.formats.negotiation import JSON, RESPONSES


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One of them; each is there once."""

    dialect: Dialect
    media_types: tuple[str, ...]
    """What it answers in."""
    suffix: str = ""
    """What `Accept` has behind the media type to ask for it."""
    schema: str | None = None
    """That of all its documents; None for the one of each answer."""
    alone: bool = False
    """Whether a path has no other."""

    @property
    def only_problems(self) -> bool:
        return self.dialect.media_type is not None


def _named(dialect: Dialect) -> Face:
    schema = f"{dialect.name.capitalize()}Document"
    return Face(dialect, (JSON,), f"; dialect={dialect.name}", schema)


_PROBLEM = PROBLEMS[None]
PLAIN = Face(DEFAULT, RESPONSES)
"""That of a request which names no dialect, by a token that has none."""
NAMED: Mapping[str, Face] = {name: _named(dialect) for name, dialect in DIALECTS.items()}
IN_DATA = replace(NAMED["data"], media_types=RESPONSES)
"""That of paths which only the dialect `data` has."""
EVERY = (PLAIN, Face(_PROBLEM, (str(_PROBLEM.media_type),), schema="Problem"), *NAMED.values())
"""All that there are under `/v1/`."""
IN_JSON = (replace(PLAIN, media_types=(JSON,)), *EVERY[1:])
"""The same of what has no XML and no YAML."""


@cache
def alone(name: str, media_types: tuple[str, ...] = RESPONSES) -> tuple[Face]:
    """Those of a path that speaks one dialect where `Accept` names none."""
    return (Face(DIALECTS[name], media_types, schema=f"{name.capitalize()}Document", alone=True),)
