"""What happens around every handler: a trace id, one log line, an answer to every failure."""

import re
import secrets
import time
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from ingest import metrics
from ingest.errors import (
    BodyTooLarge,
    ConfigurationError,
    InternalError,
    MalformedBody,
    MethodNotAllowed,
    RequestError,
    Unavailable,
    UnknownEndpoint,
)
from ingest.formats.negotiation import JSON, choose
from ingest.http.authentication import is_endpoint
from ingest.http.keys import CALLER, FORMAT, REGISTRY, TRACE_ID, WRITTEN
from ingest.http.negotiation import response_format
from ingest.http.responses import respond_error
from ingest.http.security import client_address

log = structlog.get_logger(__name__)

TRACE_HEADER = "X-Trace-Id"
# Version 00 ends with its flags, later ones may go on; ff and ids of zeros are no parents.
_TRACEPARENT = re.compile(
    r"(?:00-(?P<known>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
    r"|(?!00|ff)[0-9a-f]{2}-(?P<later>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?)"
)
_NO_TRACE = "0" * 32


def trace_id_of(traceparent: str | None) -> str:
    """The trace id of a W3C `traceparent` header, or a new one: 32 hexadecimal digits."""
    match = _TRACEPARENT.fullmatch((traceparent or "").strip())
    found = match and (match["known"] or match["later"])
    return found if found and found != _NO_TRACE else secrets.token_hex(16)


@web.middleware
async def traced(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request its trace id, in every log line and on the response; log it once."""
    trace_id = trace_id_of(request.headers.get("traceparent"))
    request[TRACE_ID] = trace_id
    started = time.perf_counter()
    # Each request is a task of its own, and so what is bound here ends with it.
    structlog.contextvars.bind_contextvars(trace_id=trace_id)
    response = await handler(request)
    response.headers[TRACE_HEADER] = trace_id
    seconds = time.perf_counter() - started
    metrics.answered(request.method, _collection(request), response.status, seconds)
    resource = request.match_info.route.resource
    log.info(
        "request",
        method=request.method,
        # The route and not the path: a path may hold the key of an item.
        route=resource.canonical if resource is not None else "unknown",
        status=response.status,
        milliseconds=round(seconds * 1000, 2),
        client=client_address(request),
        **_caller(request),
        **_written(request),
    )
    return response


@web.middleware
async def errors_as_documents(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into a response; only bugs become a 500."""
    try:
        return await handler(request)
    except RequestError as problem:
        return await respond_error(request, problem)
    except ConfigurationError as error:
        log.warning("not ready to serve", error=str(error))
        return await respond_error(request, Unavailable("The service is not ready", retry_after=5))
    except web.HTTPNotFound:
        return await respond_error(
            request,
            UnknownEndpoint("There is no such endpoint", "Collections are at /v1/{collection}."),
        )
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        response = await respond_error(
            request,
            MethodNotAllowed(f"{error.method[:20]} is not allowed here", f"Allowed: {allowed}."),
        )
        response.headers["Allow"] = allowed
        return response
    except web.HTTPException as error:
        return await respond_error(request, _from_aiohttp(error))
    except Exception as error:
        log.exception("unexpected error", error=type(error).__name__)
        return await respond_error(
            request,
            InternalError(
                "The service failed to process the request",
                "It has been logged under the trace id of this response.",
            ),
        )


@web.middleware
async def negotiated(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out which format the response has; 406 without a body where there is none to have."""
    accept = ", ".join(request.headers.getall("Accept", ()))
    if not is_endpoint(request):
        request[FORMAT] = choose(accept) or JSON
        return await handler(request)
    chosen = response_format(request, accept)
    if chosen is None:
        return web.Response(status=406)
    request[FORMAT] = chosen
    return await handler(request)


def _caller(request: web.Request) -> dict[str, str]:
    """Who called, for the log: the account, and the token by its id."""
    caller = request.get(CALLER)
    return {} if caller is None else {"account": caller.account, "token": str(caller.token)}


def _written(request: web.Request) -> dict[str, Any]:
    """What a write came to, for the log, as far as it is known when the client is answered."""
    outcome = request.get(WRITTEN)
    if outcome is None:
        return {}
    batch = outcome.batch
    return {
        "collection": batch.collection,
        "action": batch.action.value,
        "batch": str(batch.id),
        "state": batch.state.value,
        "replayed": outcome.replayed,
        "received": batch.received,
        "invalid": batch.invalid_count,
        "created": batch.created,
        "updated": batch.updated,
        "unchanged": batch.unchanged,
        "deleted": batch.deleted,
    }


def _collection(request: web.Request) -> str:
    """The collection that the path names; empty where it names none that is served."""
    name = request.match_info.get("collection", "")
    return name if name in request.app[REGISTRY] else ""


def _from_aiohttp(error: web.HTTPException) -> RequestError:
    """An error that aiohttp raised by itself, such as a request that it cannot read."""
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return BodyTooLarge("The body is too large", "Send the items in several requests.")
    return MalformedBody(f"The request cannot be read: {error.reason}")
