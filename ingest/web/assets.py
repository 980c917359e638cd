"""The files that pages refer to, each under a name that changes with its content.

Stylesheets right in `src` are served as they are. A folder in it is built into one script and one
stylesheet in `static`, which need packages from npm: without them these are missing.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).parent
WHY_MISSING = FOLDER / "static" / "missing.txt"
"""Where the build says why it has made nothing."""

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript"}
_DIGITS = 16  # of the hash in a name


@dataclass(frozen=True, slots=True)
class Asset:
    """A file for browsers."""

    name: str
    """With a hash of the content: `docs-0f3a….css`."""
    media_type: str
    body: bytes
    compressed: bytes
    """The body in gzip."""


@cache
def assets() -> Mapping[str, Asset]:
    """What there is, by its plain name: `docs.css`."""
    source, built = FOLDER / "src", FOLDER / "static"
    files = (*source.glob("*.css"), *built.glob("*.css"), *built.glob("*.js"))
    return MappingProxyType({file.name: _asset(file) for file in files})


@cache
def by_served_name() -> Mapping[str, Asset]:
    """What there is, by the name in its URL."""
    return MappingProxyType({asset.name: asset for asset in assets().values()})


def why_missing() -> str:
    """Why the build has made nothing, in its own words; empty where it says nothing."""
    try:
        return WHY_MISSING.read_text()
    except OSError:
        return ""


def _asset(file: Path) -> Asset:
    body = file.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:_DIGITS]
    built = file.with_name(f"{file.name}.gz")
    return Asset(
        name=f"{file.stem}-{digest}{file.suffix}",
        media_type=_MEDIA_TYPES[file.suffix],
        body=body,
        compressed=built.read_bytes() if built.exists() else gzip.compress(body, mtime=0),
    )
