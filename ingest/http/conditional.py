"""Answers that a client keeps, and has sent again only where they have changed (RFC 9110, 13)."""

import hashlib
from http import HTTPStatus

from aiohttp import web

from ingest.http.responses import VARY

_KEPT = "private, no-cache"
"""May be kept by the client itself, which asks each time whether it still holds."""


def conditional(request: web.Request, body: bytes, content_type: str) -> web.Response:
    """The body with its `ETag`; 304 without it where `If-None-Match` names that."""
    tag = hashlib.blake2b(body, digest_size=16).hexdigest()
    headers = {"ETag": f'"{tag}"', "Cache-Control": _KEPT, **VARY}
    if any(each.value in (tag, "*") for each in request.if_none_match or ()):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=body, content_type=content_type, headers=headers)
