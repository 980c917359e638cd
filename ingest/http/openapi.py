"""GET /openapi.json and /openapi.yaml: what this instance serves, for machines."""

import hashlib

from aiohttp import ETag, web

from ingest.formats.negotiation import JSON, YAML
from ingest.http.service import SERVICE


async def openapi_json(request: web.Request) -> web.Response:
    return await _respond(request, JSON)


async def openapi_yaml(request: web.Request) -> web.Response:
    return await _respond(request, YAML)


async def _respond(request: web.Request, media_type: str) -> web.Response:
    body = await request.app[SERVICE].openapi.file(media_type)
    etag = hashlib.sha256(body).hexdigest()[:32]
    if _has(request, etag):
        response = web.Response(status=304)
    else:
        response = web.Response(body=body, content_type=media_type)
    response.etag = etag
    response.headers["Cache-Control"] = "no-cache"  # it may be kept, and is asked for again
    return response


def _has(request: web.Request, etag: str) -> bool:
    """Whether the client has this version already."""
    held: tuple[ETag, ...] = request.if_none_match or ()
    return any(each.value in (etag, "*") for each in held)
