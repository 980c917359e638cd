"""Answers that a client keeps, and has sent again only where they have changed (RFC 9110, 13)."""

from http import HTTPStatus

from aiohttp import web

from ingest.http.encoded import Encoded, encoded, takes_gzip
from ingest.http.responses import VARY

_KEPT = "private, no-cache"
"""May be kept by the client itself, which asks each time whether it still holds."""


def conditional(request: web.Request, document: bytes | Encoded, content_type: str) -> web.Response:
    """The document with its `ETag`, in gzip where the client takes that.

    304 without it where `If-None-Match` names its version, in gzip or not.
    """
    found = document if isinstance(document, Encoded) else encoded(document)
    compressed, tags = takes_gzip(request), (found.tag, f"{found.tag}-gzip")
    headers = {
        "ETag": f'"{tags[compressed]}"',
        "Cache-Control": _KEPT,
        "Vary": f"{VARY['Vary']}, Accept-Encoding",
    }
    if any(each.value in (*tags, "*") for each in request.if_none_match or ()):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    if compressed:
        headers["Content-Encoding"] = "gzip"
    body = found.compressed if compressed else found.body
    return web.Response(body=body, content_type=content_type, headers=headers)
