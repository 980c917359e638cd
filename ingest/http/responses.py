"""Documents as HTTP responses, in the format that the request asks for."""

import asyncio
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from ingest.dialects import collection
from ingest.errors import (
    NotPermitted,
    Replayed,
    RequestError,
    TokenInvalid,
    TokenRequired,
)
from ingest.exactjson import dump_exact
from ingest.formats.negotiation import JSON, RESPONSES, from_json
from ingest.http.keys import FORMAT
from ingest.http.notices import noticed

_MUCH = 16 * 1024  # bytes of JSON above which another format is written beside the event loop


async def respond(
    request: web.Request,
    status: int,
    document: Any,
    headers: "CIMultiDict[str] | dict[str, str] | None" = None,
) -> web.Response:
    """A response in the format of `request[FORMAT]`."""
    media_type = request.get(FORMAT, JSON)
    if media_type not in RESPONSES:  # rows of a file; what is no row is told in JSON
        media_type = JSON
    body = dump_exact(await noticed(request, document))
    if media_type != JSON and len(body) > _MUCH:
        body = await asyncio.to_thread(from_json, body, media_type)
    elif media_type != JSON:
        body = from_json(body, media_type)
    response = web.Response(status=status, body=body, content_type=media_type, headers=headers)
    response.headers["Vary"] = "Accept"
    return response


async def respond_error(request: web.Request, problem: RequestError) -> web.Response:
    """The response to a request that could not be processed."""
    status, document, headers = _error(problem)
    return await respond(request, status, document, headers)


def json_response(
    status: int, document: Any, headers: dict[str, str] | None = None
) -> web.Response:
    """A response outside the API, which is always JSON."""
    return web.Response(
        status=status, body=dump_exact(document), content_type=JSON, headers=headers
    )


def json_error(problem: RequestError) -> web.Response:
    """The response to what is no request of the API."""
    return json_response(*_error(problem))


def _error(problem: RequestError) -> tuple[int, Any, dict[str, str]]:
    """Status, document and headers of an error."""
    status = problem.error_code.code // 100
    headers: dict[str, str] = {}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.batch_id is not None:
        headers["Location"] = batch_location(problem.batch_id)
    if isinstance(problem, Replayed):
        headers["Idempotency-Replayed"] = "true"
    if isinstance(problem, TokenRequired):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(problem, TokenInvalid):
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    if isinstance(problem, NotPermitted):
        headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{problem.right}"'
    return status, collection.error(problem, status), headers


def batch_location(batch: Any) -> str:
    return f"/v1/batches/{batch}"
