"""Documents as HTTP responses, and the one table from error codes to statuses and headers."""

from collections.abc import Mapping
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
from ingest.formats.negotiation import JSON


def respond(
    status: int, document: Any, headers: "CIMultiDict[str] | dict[str, str] | None" = None
) -> web.Response:
    """A JSON response."""
    return web.Response(
        status=status, body=dump_exact(document), content_type=JSON, headers=headers
    )


def respond_error(problem: RequestError, more: Mapping[str, Any] | None = None) -> web.Response:
    """The response to a request that could not be processed; `more` is added to its document."""
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
    return respond(status, {**collection.error(problem, status), **(more or {})}, headers)


def batch_location(batch: Any) -> str:
    return f"/v1/batches/{batch}"
