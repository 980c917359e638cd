"""What happens around every handler: the parse, who calls, an answer to each failure, a log line.

There is one middleware, and it reads from top to bottom.
"""

import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from ingest import metrics
from ingest.access.rights import Caller, Right
from ingest.dialects import DEFAULT, DIALECTS
from ingest.dialects.answer import Format
from ingest.errors import (
    BodyTooLarge,
    ConfigurationError,
    FormatRequired,
    InternalError,
    InvalidParameter,
    MalformedBody,
    MethodNotAllowed,
    RequestError,
    TokenInvalid,
    TokenRequired,
    Unavailable,
    UnknownCollection,
    UnknownEndpoint,
    Unreachable,
)
from ingest.http.call import CALL, RESOURCE, Call
from ingest.http.expectation import is_waiting
from ingest.http.gate import CALLER, GATE, Gate
from ingest.http.request import endpoint_of, parse, without_endpoint
from ingest.http.responses import DIALECT, TRACE_HEADER, VARY, WRITTEN, respond_error
from ingest.http.security import SECURE_HEADERS, SERVER, is_known_host
from ingest.http.service import SERVICE
from ingest.logs import cause_of
from ingest.resources.registry import Registry
from ingest.resources.resource import Resource

log = structlog.get_logger(__name__)

_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


@web.middleware
async def handle(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Handle a request from its parse to its log line; only bugs become a 500."""
    started = time.perf_counter()
    call = request[CALL] = parse(request)
    # Each request is a task of its own, and so what is bound here ends with it.
    structlog.contextvars.bind_contextvars(trace_id=call.trace_id)
    try:
        response = await _admitted(request, call, handler)
    except (RequestError, ConfigurationError, web.HTTPException) as error:
        response = await _refused(request, error)
    except Exception as error:
        log.exception("unexpected error", error=type(error).__name__)
        response = await respond_error(
            request,
            InternalError(
                "The service failed to process the request",
                "It has been logged under the trace id of this response.",
            ),
        )
    seconds = time.perf_counter() - started
    call = request[CALL]
    collection = call.resource.name if call.resource is not None else ""
    metrics.answered(call.method, collection, response.status, seconds)
    resource = request.match_info.route.resource
    log.info(
        "request",
        method=call.method,
        # The route and not the path: a path may hold the key of an item.
        route=resource.canonical if resource is not None else "unknown",
        status=response.status,
        milliseconds=round(seconds * 1000, 2),
        client=call.client,
        **_caller(request),
        **_written(request),
    )
    return response


async def _admitted(request: web.Request, call: Call, handler: Handler) -> web.StreamResponse:
    """What a handler answers, once it is known who calls, and that they may."""
    service = request.app[SERVICE]
    if not call.of_api:
        return await handler(request)
    named = call.dialect or call.path_dialect
    if named is not None:
        request[DIALECT] = named
    if service.hosts and not is_known_host(call.host, service.hosts):
        raise InvalidParameter(
            f"The host {call.host[:100]!r} is not served here", "Use the service's own name."
        )
    gate = request[GATE] = Gate(call.credentials, service.callers, service.rates, service.under_way)
    if call.endpoint is not None and call.endpoint.token_in_body:
        return await handler(request)
    doubtful = call.endpoint is None or call.media_type is None or call.endpoint.puts
    if doubtful:
        # That there is nothing is said without a token, too; with one, in its dialect.
        with suppress(TokenRequired, TokenInvalid, Unavailable):
            _remember(request, await gate.authenticate())
    dialect = request.get(DIALECT, DEFAULT)
    if call.endpoint is not None and call.endpoint.puts and not dialect.puts:
        handler = _not_allowed
        call = request[CALL] = without_endpoint(call)
    if (doubtful or dialect is not DEFAULT) and not _is_acceptable(request):
        return web.Response(status=406, headers=VARY)
    if call.endpoint is None:
        return await handler(request)
    caller = await gate.authenticate()
    _remember(request, caller)
    with gate.entered(caller):
        await service.loop_time.turn(caller.account)
        if not _is_acceptable(request):
            return web.Response(status=406, headers=VARY)
        if call.endpoint.right is not None or call.endpoint.any_right:
            request[RESOURCE] = _permitted(call, caller, call.endpoint.right, service.registry)
        if call.problem is not None:
            raise call.problem
        return await service.loop_time.counted(caller.account, _handled(request, handler))


async def _handled(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


async def _not_allowed(request: web.Request) -> web.StreamResponse:
    """What handles a method that the path does not have."""
    raise web.HTTPMethodNotAllowed(request.method, ())


def _remember(request: web.Request, caller: Caller) -> None:
    """Set who calls, and the dialect of their token where the request names none."""
    request[CALLER] = caller
    if DIALECT not in request and caller.dialect is not None:
        request[DIALECT] = DIALECTS[caller.dialect]


def _is_acceptable(request: web.Request) -> bool:
    """Whether there is a format for the answer that is named as the dialect wants it.

    Raises:
        FormatRequired: the dialect has words for its absence.
    """
    call, dialect = request[CALL], request.get(DIALECT, DEFAULT)
    if call.unknown_dialect:
        return False
    if dialect is not DEFAULT and call.endpoint and call.media_type in call.endpoint.files:
        call = request[CALL] = replace(call, media_type=None)
    by_extension = call.named_by is Format.EXTENSION
    if dialect.format is Format.EXTENSION and not (by_extension and call.media_type):
        raise FormatRequired(f"Name the format: {_stem(call)}.json, .xml or .yaml")
    if dialect.format is not Format.EXPLICIT or call.named_by is not Format.ANY:
        return call.media_type is not None
    if call.named is None:
        return False
    # Of what Accept admits, only what it names is explicit.
    request[CALL] = replace(call, media_type=call.named, named_by=Format.EXPLICIT)
    return True


def _stem(call: Call) -> str:
    """The path that an extension is to be added to."""
    path = call.path[:200].rstrip("/")
    if call.endpoint is None and not path.startswith(call.root):
        return f"{call.root}{{collection}}"
    return path if call.item or call.endpoint is None else path.partition(".")[0]


def _permitted(call: Call, caller: Caller, right: Right | None, registry: Registry) -> Resource:
    """The resource that the path names, on which the caller has a right: None for any."""
    if call.resource is None:
        raise UnknownCollection(
            f"There is no collection {call.collection[:100]!r}",
            f"Served here: {', '.join(registry)}.",
        )
    if right is None:
        caller.needs_any(call.resource.name)
    else:
        caller.needs(right, call.resource.name)
    return call.resource


async def _refused(
    request: web.Request, error: RequestError | ConfigurationError | web.HTTPException
) -> web.StreamResponse:
    """The answer to what a handler, or aiohttp by itself, has raised."""
    if isinstance(error, RequestError):
        if error.__cause__ is not None and isinstance(error, Unavailable):
            reason = {"reason": error.reason} if isinstance(error, Unreachable) else {}
            log.warning("unavailable", error=type(error).__name__, cause=cause_of(error), **reason)
        return await respond_error(request, error)
    if isinstance(error, ConfigurationError):
        log.warning("not ready to serve", error=str(error))
        return await respond_error(request, Unavailable("The service is not ready", retry_after=5))
    if isinstance(error, web.HTTPNotFound):
        problem: RequestError = UnknownEndpoint(
            "There is no such endpoint",
            f"Collections are at {request[CALL].root}{{collection}}.",
        )
    elif isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(await _methods(request))
        problem = MethodNotAllowed(
            f"{error.method[:20]} is not allowed here", f"Allowed: {allowed}."
        )
        return await respond_error(request, problem, {"Allow": allowed})
    elif isinstance(error, web.HTTPRequestEntityTooLarge):
        problem = BodyTooLarge("The body is too large", "Send the items in several requests.")
    else:
        problem = MalformedBody(f"The request cannot be read: {error.reason}")
    return await respond_error(request, problem)


async def _methods(request: web.Request) -> list[str]:
    """The methods that the path has in the dialect."""
    puts = request.get(DIALECT, DEFAULT).puts
    allowed = []
    for method in _METHODS:
        found = await request.app.router.resolve(request.clone(method=method))
        endpoint = endpoint_of(found)
        if found.http_exception is None and (endpoint is None or puts or not endpoint.puts):
            allowed.append(method)
    return allowed


async def complete_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Set the headers of every response, right before it is sent."""
    headers = response.headers
    for name, value in SECURE_HEADERS.items():
        headers.setdefault(name, value)
    headers["Server"] = SERVER
    call = request.get(CALL)
    if call is not None:  # else it was refused before the middleware
        headers[TRACE_HEADER] = call.trace_id
    gate = request.get(GATE)
    if gate is not None and gate.remaining:  # draft-ietf-httpapi-ratelimit-headers
        headers["RateLimit-Policy"] = ", ".join(
            f'"{each.policy}";q={each.limit};w={each.length}' for each in gate.remaining
        )
        headers["RateLimit"] = ", ".join(
            f'"{each.policy}";r={each.left};t={each.reset}' for each in gate.remaining
        )
    if request.app[SERVICE].stopping.is_set() or _is_last(request):
        # Or the client would send its next request into a connection that is being closed.
        response.force_close()
        headers["Connection"] = "close"  # aiohttp has decided on it before it calls us


def _is_last(request: web.Request) -> bool:
    """Whether it is unknown where in what is still to come another request would begin: the body
    is broken, or may come and may not because it was not asked for."""
    return is_waiting(request) or isinstance(request.content.exception(), HttpProcessingError)


def _caller(request: web.Request) -> dict[str, str]:
    """The caller for the log: the account, and the token by its id."""
    caller = request.get(CALLER)
    return {} if caller is None else {"account": caller.account, "token": str(caller.token)}


def _written(request: web.Request) -> dict[str, Any]:
    """What a write came to, for the log, as far as it is known when the client is answered."""
    outcome = request.get(WRITTEN)
    if outcome is None or request[CALL].dry_run:
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
