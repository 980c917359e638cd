"""The format of a response: what its path's extension says, else what its `Accept` header does."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from aiohttp import web

from ingest.formats.negotiation import EXTENSIONS, RESPONSES, choose
from ingest.http.keys import REGISTRY

_Handler = TypeVar("_Handler")
_FORMATS = "response_formats"


def answers(*media_types: str) -> Callable[[_Handler], _Handler]:
    """Mark a handler whose responses have other formats than those of all."""

    def mark(handler: _Handler) -> _Handler:
        setattr(handler, _FORMATS, media_types)
        return handler

    return mark


def response_format(request: web.Request, accept: str) -> str | None:
    """The media type of the response; None where the request admits none that there is.

    An extension is taken off what the path names: handlers see names without them.
    """
    available: tuple[str, ...] = getattr(request.match_info.handler, _FORMATS, RESPONSES)
    extension = _take_extension(request, available)
    if extension is None:
        return choose(accept, available)
    media_type = EXTENSIONS.get(extension)
    return media_type if media_type in available else None


def _take_extension(request: web.Request, available: Sequence[str]) -> str | None:
    named = request.match_info
    if "extension" in named:
        return named["extension"]
    if "key" in named:
        # A key may have dots of its own: only what is a format is an extension.
        stem, _, extension = named["key"].rpartition(".")
        if not stem or EXTENSIONS.get(extension) not in available:
            return None
        named["key"] = stem
        return extension
    name = "batch" if "batch" in named else "collection"
    if name not in named:  # a path without any name, such as /v1/batches
        return None
    stem, dot, extension = named[name].partition(".")
    if not dot or (name == "collection" and stem not in request.app[REGISTRY]):
        return None
    named[name] = stem
    return extension
