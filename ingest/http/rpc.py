"""Calls of document 001: `POST /api/v1.1/{method}`, with all parameters and the token in the body.

::

    body ─▶ parameters ─▶ token ─▶ caller ─▶ method, database, right ─▶ items ─▶ pipeline
     at most 1 MiB, one at a time for each address, until the caller is known

A modifying call has an idempotency key of its own making: the digest of what it says, but for the
token. So the same call is not applied again for a while, if it was accepted.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

from aiohttp import hdrs, web

from ingest.access.rights import Caller
from ingest.batches.write import Write
from ingest.dialects import collection
from ingest.errors import (
    AmbiguousMatch,
    InvalidParameter,
    ItemNotFound,
    MalformedBody,
    RateLimited,
    TokenInvalid,
    TokenRequired,
    UnsupportedMediaType,
)
from ingest.formats.limits import too_many_items
from ingest.formats.negotiation import JSON, XML
from ingest.http.call import CALL, RESOURCE
from ingest.http.gate import CALLER, GATE, Gate
from ingest.http.request import endpoint
from ingest.http.responses import SINGLE, VARY, WRITTEN, respond
from ingest.http.rpc_body import BUFFERED, UTF8, RpcBody
from ingest.http.rpc_parameters import Asked, Method, Verb, read, resource_of
from ingest.http.service import SERVICE
from ingest.http.visibility import as_seen
from ingest.model import AtMost, Options, Resolution
from ingest.resources.layout import StoredField
from ingest.resources.resource import Resource
from ingest.resources.url_values import parse
from ingest.store import reads

_FORMATS = (JSON, XML)
_PREFERENCES = frozenset({"handling", "wait", "replay"})
"""The preferences that mean something here."""


@endpoint(
    parameters=frozenset({"token", "format"}), formats=_FORMATS, body=True, token_in_body=True
)
async def call(request: web.Request) -> web.Response:
    """Run one method."""
    settings, asked = request.app[SERVICE].settings, request[CALL]
    applied = [each for each in asked.preferences.applied if each.split("=")[0] in _PREFERENCES]
    preferences = replace(asked.preferences, applied=tuple(applied))
    request[CALL] = replace(asked, preferences=preferences)
    _answer_in(request, {})
    given = [*map(_plain, asked.credentials), *_bearer(request.query.getall("token", ()))]
    credentials = list(dict.fromkeys(given))
    if credentials:
        await _gate(request, credentials).authenticate()
    if asked.problem is not None:
        raise asked.problem
    _check_head(request)
    limit = settings.max_body if credentials else min(settings.max_body, settings.max_unknown_body)
    async with aclosing(RpcBody(request, limit)) as body:
        if credentials:
            await body.arrive()
        else:
            async with _turn(request):
                await body.arrive()
        _answer_in(request, body.parameters)
        credentials = list(dict.fromkeys([*credentials, *_bearer(body.tokens)]))
        if not credentials:
            raise TokenRequired("A token is required", "Send it as 'token'.")
        gate = _gate(request, credentials)
        caller = request[CALLER] = await gate.authenticate()
        with gate.entered(caller):
            if request[CALL].media_type is None:
                return web.Response(status=406, headers=VARY)
            loop_time = request.app[SERVICE].loop_time
            return await loop_time.counted(caller.account, _run(request, body, gate, caller))


async def _run(request: web.Request, body: RpcBody, gate: Gate, caller: Caller) -> web.Response:
    """Do what a known caller asks."""
    service = request.app[SERVICE]
    method = Method.named(request.match_info["method"])
    resource = request[RESOURCE] = resource_of(method, body.parameters, service.registry)
    for right in method.verb.rights:
        caller.needs(right, resource.name)
    _check_format(request, body.parameters)
    asked = read(method, await body.typed(resource, method), resource)
    if len(asked.items) > service.settings.max_items:
        raise too_many_items(service.settings.max_items)
    request[SINGLE] = asked.single
    if method.verb is Verb.GET:
        return await _get(request, asked, caller, resource)
    write = _write_of(request, method.verb, asked, caller, resource, body.fingerprint(caller))
    await service.pipeline.admit(write)
    body.hold(asked.items, gate, write)
    outcome = await service.pipeline.run(write, body)
    request[WRITTEN] = outcome
    if request[CALL].dialect not in (None, request[CALL].path_dialect):
        outcome = as_seen(outcome, caller, resource)
    return await respond(request, collection.written(outcome, service.presenters[resource.name]))


def _write_of(
    request: web.Request,
    verb: Verb,
    asked: Asked,
    caller: Caller,
    resource: Resource,
    fingerprint: bytes,
) -> Write:
    call, settings = request[CALL], request.app[SERVICE].settings
    prefers = call.preferences
    identity = None if verb is Verb.ADD or asked.identity is resource.key else asked.identity
    if verb.action is None:
        raise ValueError("a method that reads is no write")
    return Write(
        account=caller.account,
        token=caller.token,
        resource=resource,
        action=verb.action,
        options=Options(
            # The document promises the profile's id, whether or not its fields may be read.
            representation=True,
            select=resource.selection,
            lenient=prefers.lenient,
            resolution=Resolution.MERGE if verb is Verb.IMPORT else Resolution.REFUSE,
            matching=None if identity is None else identity.name,
            groups=caller.groups,
            undo=settings.revert_ttl > 0 and verb is not Verb.ADD,
        ),
        # No client can send a key with a blank.
        key=call.idempotency_key or f"rpc {fingerprint.hex()}",
        wait=settings.max_wait if prefers.wait is None else min(prefers.wait, settings.max_wait),
        replay_returns=prefers.replay_returns or settings.replay == "return",
        dry_run=False,
        trace_id=call.trace_id,
    )


async def _get(
    request: web.Request, asked: Asked, caller: Caller, resource: Resource
) -> web.Response:
    """Answer with the one profile that a value finds.

    Raises:
        ItemNotFound, AmbiguousMatch: there is none that the caller can see, or there are several.
    """
    service, identity = request.app[SERVICE], asked.identity
    if not identity.shown:
        raise InvalidParameter("The parameter 'matching' names a field that is not shown")
    page = await reads.list_items(
        service.pool,
        resource,
        caller.account,
        ((identity, (_stored(identity, asked.value),)),),
        at_most=AtMost(1, service.settings.max_answer),
        offset=0,
        select=resource.selection,
        groups=caller.groups,
    )
    if not page.total:
        raise _absent(identity)
    if page.total > 1:
        raise AmbiguousMatch(f"{page.total} profiles have this {identity.data_key}")
    answer = collection.item(page.rows[0], service.presenters[resource.name], resource.selection)
    return await respond(request, answer)


def _stored(identity: StoredField, value: Any) -> Any:
    """A value as the database takes it."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        return parse(identity.field, identity.type, text)
    except ValueError:
        raise _absent(identity) from None


def _absent(identity: StoredField) -> ItemNotFound:
    return ItemNotFound(f"No profile has this {identity.data_key}")


def _check_head(request: web.Request) -> None:
    """Refuse what is not said to be JSON or XML in UTF-8.

    Raises:
        UnsupportedMediaType, MalformedBody
    """
    media_type = request.content_type if hdrs.CONTENT_TYPE in request.headers else "none"
    if media_type not in _FORMATS:
        raise UnsupportedMediaType(
            f"The Content-Type {media_type[:100]!r} is not read", f"Send {' or '.join(_FORMATS)}."
        )
    if (request.charset or "utf-8").lower() not in UTF8:
        raise MalformedBody(
            f"The charset {str(request.charset)[:100]!r} is not read", "Send UTF-8."
        )


def _bearer(tokens: Iterable[Any]) -> list[str]:
    """The values of the parameter `token` as `Authorization` headers have them."""
    given = [each for each in tokens if each is not None and each != ""]
    if not all(isinstance(each, str) for each in given):
        raise TokenInvalid("The token is not valid", "It is a text.")
    return [f"Bearer {each.strip()}" for each in given]


def _plain(credentials: str) -> str:
    """An `Authorization` header in the words of `_bearer`, so that equal tokens are equal."""
    scheme, _, token = credentials.partition(" ")
    return f"Bearer {token.strip()}" if scheme.lower() == "bearer" else credentials


def _gate(request: web.Request, credentials: list[str]) -> Gate:
    service = request.app[SERVICE]
    gate = Gate(credentials, service.callers, service.rates, service.under_way)
    request[GATE] = gate
    return gate


@asynccontextmanager
async def _turn(request: web.Request) -> AsyncGenerator[None, None]:
    """One at a time for each address: what is read without knowing for whom.

    A short body is here already, and is read at once.

    Raises:
        RateLimited: others take too long.
    """
    call, service = request[CALL], request.app[SERVICE]
    length = request.content_length
    if length is not None and length <= BUFFERED and not call.head.encodings:
        yield
        return
    lock = service.admission.unknown_callers.of(call.client)
    try:
        async with asyncio.timeout(service.settings.body_timeout):
            await lock.acquire()
    except TimeoutError:
        raise RateLimited(
            "Other requests of this address are being read",
            "Send the token in the URL or in the Authorization header.",
            retry_after=1,
        ) from None
    try:
        yield
    finally:
        lock.release()


def _answer_in(request: web.Request, parameters: Mapping[str, Any]) -> None:
    """Answer in the format that the query or the parameters name; in JSON where it is none."""
    for given in _formats(request, parameters):
        media_type = XML if given == "xml" else JSON
        request[CALL] = replace(request[CALL], media_type=media_type)


def _check_format(request: web.Request, parameters: Mapping[str, Any]) -> None:
    """
    Raises:
        InvalidParameter: the format is none, or there are two.
    """
    given = _formats(request, parameters)
    if any(each not in ("json", "xml") for each in given) or given[1:] not in ([], given[:1]):
        raise InvalidParameter("The parameter 'format' is no format", "It takes json or xml.")


def _formats(request: web.Request, parameters: Mapping[str, Any]) -> list[Any]:
    """What the query and the parameters have as the format; null is nothing."""
    both = (request.query.get("format"), parameters.get("format"))
    return [each for each in both if each is not None]
