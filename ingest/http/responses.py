"""Documents as HTTP responses, in the format that the request asks for."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import structlog
from aiohttp import web

from ingest.access.quotas import notifications
from ingest.access.rights import Right
from ingest.dialects import DEFAULT, collection
from ingest.dialects.answer import Answer, Context, Dialect, Format, Kind, Told
from ingest.errors import (
    IngestError,
    NotPermitted,
    Replayed,
    RequestError,
    TokenInvalid,
    TokenRequired,
    Unavailable,
)
from ingest.exactjson import dump_exact
from ingest.formats.negotiation import JSON, RESPONSES, from_json
from ingest.http.admission import Share
from ingest.http.answers import PIECE, LongResponse
from ingest.http.call import CALL, RESOURCE
from ingest.http.gate import CALLER
from ingest.http.links import docs_link, openapi_link, prefix, public_base, schema_link
from ingest.http.service import SERVICE
from ingest.model import Action, Batch, BatchState, Outcome
from ingest.resources.resource import Resource
from ingest.store.quotas import read_holdings
from ingest.store.summaries import read_summaries

log = structlog.get_logger(__name__)

TRACE_HEADER = "X-Trace-Id"
VARY = MappingProxyType({"Vary": "Accept, Authorization"})
_MUCH = 16 * 1024  # bytes of JSON above which another format is written beside the event loop

WRITTEN = web.RequestKey("written", Outcome)
"""What came of the write, as far as it is known."""
DIALECT = web.RequestKey("dialect", Dialect)
"""The one of the answer."""
SINGLE = web.RequestKey("single", bool)
"""Whether the body was one object."""


async def respond(
    request: web.Request, answer: Answer, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A response in the dialect and the format that the request has."""
    if headers is None:
        headers = _headers(request, answer.status)
    told = await tell(request, answer)
    if told.document is None:
        return _described(request, web.Response(status=told.status, headers={**headers, **VARY}))
    media_type = request[CALL].media_type
    # Rows of a file are no document; what is no row is shown in JSON.
    if told.media_type or media_type not in RESPONSES:
        media_type = JSON
    body = dump_exact(told.document)
    if media_type != JSON and len(body) > _MUCH:
        body = await asyncio.to_thread(from_json, body, media_type)
    elif media_type != JSON:
        body = from_json(body, media_type)
    content_type = told.media_type or media_type
    options = {"status": told.status, "content_type": content_type, "headers": headers}
    response = _response(request, body, options)
    response.headers.update(VARY)
    return _described(request, response)


def _described(request: web.Request, response: web.Response) -> web.Response:
    """The response, with links to what describes the collection that it is about."""
    resource, service = request[CALL].resource, request.app[SERVICE]
    if resource is not None and RESOURCE in request:
        response.headers.add("Link", schema_link(service, resource))
        if service.settings.docs != "off":
            response.headers.add("Link", openapi_link(service))
            response.headers.add("Link", docs_link(service, resource))
    return response


def _response(request: web.Request, body: bytes, options: Mapping[str, Any]) -> web.Response:
    if len(body) <= PIECE:
        return web.Response(body=body, **options)
    held = Share(request.app[SERVICE].admission.answers, _reader(request))
    try:
        held.hold(len(body))
    except Unavailable:
        outcome = request.get(WRITTEN)
        if outcome is None or outcome.replayed:
            raise
        # What a write has come to is told anyway: it cost more than its answer.
    return LongResponse(held=held, body=body, **options)


def _reader(request: web.Request) -> str:
    """Whose share of memory an answer takes."""
    caller = request.get(CALLER)
    return f"@{request[CALL].client}" if caller is None else caller.account


async def tell(request: web.Request, answer: Answer) -> Told:
    """An answer in the dialect that the request has."""
    dialect: Dialect = request.get(DIALECT, DEFAULT)
    names = await _notifications(request)
    summaries = await _summaries(request, answer, dialect)
    error = "error" in answer.document or answer.limit is not None
    if dialect is not DEFAULT or error or answer.stored is not None:
        return dialect.tell(answer, _context(request, names, summaries))
    document = {**answer.document, **summaries} if summaries else answer.document
    return Told(answer.status, {**document, "notifications": names} if names else document)


async def respond_error(
    request: web.Request, problem: RequestError, headers: Mapping[str, str] | None = None
) -> web.Response:
    """The response to a request that could not be processed."""
    own = {**_error_headers(problem), **(headers or {})}
    if problem.batch_id is not None:
        own["Location"] = _location(request, problem.batch_id)
    return await respond(request, collection.error(problem), own)


def json_response(
    status: int, document: Any, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A response outside the API, which is always JSON."""
    return web.Response(
        status=status, body=dump_exact(document), content_type=JSON, headers=headers
    )


def json_error(problem: RequestError) -> web.Response:
    """The response to what is no request of the API."""
    answer = collection.error(problem)
    return json_response(answer.status, answer.document, _error_headers(problem))


def _location(request: web.Request, batch: object) -> str:
    return f"{prefix(request.app[SERVICE])}/v1/batches/{batch}"


async def _notifications(request: web.Request) -> Sequence[str]:
    """The limits that the caller's account has reached.

    Only an account that has limits costs a look into the database.
    """
    caller, outcome = request.get(CALLER), request.get(WRITTEN)
    if caller is None or not (caller.limited or (outcome is not None and outcome.batch.limited)):
        return ()
    service = request.app[SERVICE]
    try:
        holdings = await read_holdings(service.pool, caller.account)
    except IngestError as error:
        # The request is processed; its answer goes without them.
        log.warning("no notifications", error=type(error).__name__)
        return ()
    return notifications(service.registry, holdings)


async def _summaries(
    request: web.Request, answer: Answer, dialect: Dialect
) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """The summaries that `select` names, or that the dialect shows after a write.

    They are as they were at one moment after the request's own commit, for a caller who may read.
    """
    call = request[CALL]
    names: Sequence[str] = call.summaries
    if not names and not dialect.shows_summaries:
        return {}
    resource, caller, written = call.resource, request.get(CALLER), answer.kind is Kind.WRITE
    if resource is None or caller is None or answer.kind is Kind.ERROR:
        return {}
    if dialect.shows_summaries and written and answer.outcome:
        names = tuple(dict.fromkeys([*names, *_touched(resource, answer.outcome)]))
    if not names or not caller.may(Right.READ, resource.name):
        return {}
    service = request.app[SERVICE]
    try:
        return await read_summaries(service.pool, resource, caller.account, names, caller.groups)
    except IngestError as error:
        if not written:
            raise
        # The request is processed; its answer goes without them.
        log.warning("no summaries", error=type(error).__name__)
        return {}


def _touched(resource: Resource, outcome: Outcome) -> Collection[str]:
    """The summaries that a write could have changed, as far as it is known what its items carried.

    What only updates changes those of a field that an item carried.
    """
    batch, carried = outcome.batch, outcome.carried
    if not batch.changed:
        return ()
    if batch.created or batch.deleted or carried is None:
        return resource.summaries
    return [
        name
        for name, summary in resource.summaries.items()
        if not carried.isdisjoint(summary.fields)
    ]


def _context(request: web.Request, names: Sequence[str], summaries: Mapping[str, Any]) -> Context:
    """What a dialect knows of the request."""
    call = request[CALL]
    return Context(
        collection=call.collection,
        single=bool(request.get(SINGLE)),
        extension=call.named_by is Format.EXTENSION,
        docs=f"{public_base(request)}/docs/errors/",
        minimal=call.preferences.minimal,
        notifications=names,
        summaries=summaries,
    )


def _headers(request: web.Request, status: int) -> dict[str, str]:
    """The headers of the answer to a write; of other answers, none."""
    outcome, headers = request.get(WRITTEN), dict[str, str]()
    if outcome is None:
        return headers
    prefers, most = request[CALL].preferences, request.app[SERVICE].settings.max_wait
    applied = [
        f"wait={most:g}" if each.startswith("wait=") and (prefers.wait or 0) > most else each
        for each in prefers.applied
        if outcome.batch.action is Action.CREATE or not each.startswith("resolution=")
        if not each.startswith("repair=") or _keeps(outcome.batch)
        if each != "respond-async" or request.get(DIALECT, DEFAULT).knows_accepted
    ]
    if applied:
        headers["Preference-Applied"] = ", ".join(applied)
    if status == HTTPStatus.ACCEPTED:
        headers["Location"] = _location(request, outcome.batch.id)
    if outcome.replayed:
        headers["Idempotency-Replayed"] = "true"
    return headers


def _keeps(batch: Batch) -> bool:
    """Whether a batch is kept to be repaired, or would be if it were refused."""
    refused = batch.state in (BatchState.REJECTED, BatchState.FAILED)
    return batch.options.repair and (batch.kept or not refused)


def _error_headers(problem: RequestError) -> dict[str, str]:
    headers: dict[str, str] = {}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if isinstance(problem, Replayed):
        headers["Idempotency-Replayed"] = "true"
    if isinstance(problem, TokenRequired):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(problem, TokenInvalid):
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    if isinstance(problem, NotPermitted):
        headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{problem.right}"'
    return headers
