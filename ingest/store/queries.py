"""Named queries, kept in .sql files beside the modules that run them."""

import re
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

_HEADER = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def load_queries(file: str) -> Mapping[str, str]:
    """The queries of `ingest/store/sql/<file>` by name; each begins with a line `-- name: …`."""
    text = resources.files("ingest.store").joinpath("sql", file).read_text(encoding="utf-8")
    parts = _HEADER.split(text)[1:]
    return MappingProxyType(
        dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))
    )
