"""Named queries, kept in .sql files beside the modules that run them."""

import re
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

_HEADER = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_PART = re.compile(r"\{(\w+)\}")


def load_queries(file: str) -> Mapping[str, str]:
    """The queries of `ingest/store/sql/<file>` by name; each begins with a line `-- name: …`.

    `{part}` stands for the text that is called `part` earlier in the file.
    """
    text = resources.files("ingest.store").joinpath("sql", file).read_text(encoding="utf-8")
    pieces = _HEADER.split(text)[1:]
    queries: dict[str, str] = {}
    for name, piece in zip(pieces[::2], pieces[1::2], strict=True):
        queries[name] = _PART.sub(lambda found: queries[found[1]], piece.strip())
    return MappingProxyType(queries)
