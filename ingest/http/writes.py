"""POST, PATCH and DELETE of a collection: the request in HTTP's terms, handed to the pipeline."""

import hashlib
import re

from aiohttp import web

from ingest.access.rights import Right
from ingest.batches.items import Items
from ingest.batches.pipeline import Pipeline
from ingest.batches.write import Write
from ingest.dialects import collection
from ingest.errors import InvalidKey
from ingest.faults import Point
from ingest.formats.decoding import CSV_PARAMETERS, open_decoder
from ingest.formats.limits import Limits
from ingest.formats.negotiation import STREAMS
from ingest.http.authentication import check_again
from ingest.http.body import read_head, read_items
from ingest.http.keys import (
    CALLER,
    LIMITED,
    PIPELINE,
    PLACES,
    PRESENTERS,
    SETTINGS,
    TRACE_ID,
    WRITTEN,
)
from ingest.http.lookup import as_seen, permitted_resource
from ingest.http.preferences import Preferences, parse_preferences
from ingest.http.query import check_parameters, flag, matching_field, wants_meta
from ingest.http.responses import batch_location, respond
from ingest.http.streams import StreamedBody
from ingest.http.throttle import charge
from ingest.model import Action, IdempotencyKey, Options, Outcome, Resolution
from ingest.resources.resource import Resource
from ingest.settings import Settings

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_PARAMETERS = frozenset({"matching", "select", "dryRun"}) | CSV_PARAMETERS


async def create(request: web.Request) -> web.Response:
    return await _write(request, Action.CREATE)


async def update(request: web.Request) -> web.Response:
    return await _write(request, Action.UPDATE)


async def delete(request: web.Request) -> web.Response:
    return await _write(request, Action.DELETE)


async def _write(request: web.Request, action: Action) -> web.Response:
    resource = permitted_resource(request, Right(action))
    check_parameters(request, _PARAMETERS)
    dry_run = flag(request, "dryRun")
    preferences = parse_preferences(request.headers.getall("Prefer", ()))
    if action is Action.CREATE and preferences.resolution is Resolution.MERGE:
        request[CALLER].needs([Right.UPDATE], resource.name)
    pipeline = request.app[PIPELINE]
    items = Items(request.app[PLACES])
    try:
        write, body = await _read_write(request, resource, action, preferences, items)
        outcome = await _process(pipeline, write, body, dry_run=dry_run)
    finally:
        items.forget()  # a request that failed is kept for a while by its traceback
    if outcome.replayed:  # the first request may have come of another token
        outcome = as_seen(request, outcome)
    if dry_run:
        answer = collection.rehearsed(outcome)
    else:
        answer = collection.written(outcome, request.app[PRESENTERS][resource.name])
        request[WRITTEN] = outcome
        await pipeline.faults.reached(Point.BEFORE_REPLY)
    request[LIMITED] = outcome.batch.limited
    headers = _headers(outcome, answer.status, preferences)
    return await respond(request, answer.status, answer.document, headers)


async def _process(
    pipeline: Pipeline, write: Write, body: StreamedBody | None, *, dry_run: bool
) -> Outcome:
    if body is None:
        return await (pipeline.rehearse(write) if dry_run else pipeline.write(write))
    try:
        process = pipeline.rehearse_stream if dry_run else pipeline.receive
        return await process(write, body)
    finally:
        await body.close()


async def _read_write(
    request: web.Request,
    resource: Resource,
    action: Action,
    preferences: Preferences,
    items: Items,
) -> tuple[Write, StreamedBody | None]:
    """The write, and its body where that is still to be read; else its `items` are decoded."""
    settings, caller = request.app[SETTINGS], request[CALLER]
    matching = matching_field(request, resource)
    meta = wants_meta(request)
    key = idempotency_key(request)
    head = await read_head(request)
    await _admit(request, resource, key)
    limits = Limits(settings.max_body, settings.max_items, settings.max_nesting)
    decoder = open_decoder(head.format, resource, matching, limits)
    body = fingerprint = None
    if head.format.media_type in STREAMS:
        body = StreamedBody(request, head, decoder, _fingerprint(request, head.content_type))
    else:
        fingerprint = None if key is None else _fingerprint(request, head.content_type)
        seen = _unseen if fingerprint is None else fingerprint.update
        await read_items(request, head, decoder, seen, items)
        await check_again(request)
        await charge(request, len(items.decoded))
    digest = fingerprint.digest() if fingerprint else b""  # that of a stream is known in the end
    write = Write(
        account=caller.account,
        resource=resource,
        action=action,
        items=items,
        options=Options(
            # Whoever may not read sees nothing of what is stored, nor of what a write has changed.
            representation=not preferences.minimal and caller.may(Right.READ, resource.name),
            meta=meta,
            lenient=preferences.lenient,
            resolution=preferences.resolution if action is Action.CREATE else Resolution.REFUSE,
            matching=matching,
            groups=caller.groups,
        ),
        wait=_wait(preferences, settings),
        replay_returns=preferences.replay_returns or settings.replay == "return",
        trace_id=request[TRACE_ID],
        token=caller.token,
        key=None if key is None else IdempotencyKey(key, digest),
    )
    return write, body


def _unseen(_: bytes) -> None:
    """What nobody will compare needs no fingerprint."""


async def _admit(request: web.Request, resource: Resource, key: str | None) -> None:
    """Refuse a write while the backlog is full, before its body costs anything.

    Raises:
        Overloaded, Unavailable
    """
    if not flag(request, "dryRun"):
        backlog = request.app[PIPELINE].backlog
        await backlog.admit(request[CALLER].account, resource.name, key)


def idempotency_key(request: web.Request) -> str | None:
    """The `Idempotency-Key`, quoted or bare, of 1 to 255 visible ASCII characters.

    Raises:
        InvalidKey: it is not that, or there are several.
    """
    headers = request.headers.getall("Idempotency-Key", ())
    if not headers:
        return None
    key = headers[0].strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if len(headers) > 1 or not _KEY.fullmatch(key):
        raise InvalidKey(
            "The Idempotency-Key cannot be used",
            "Send one, of 1 to 255 visible ASCII characters, quoted or bare.",
        )
    return key


def _fingerprint(request: web.Request, content_type: str) -> "hashlib.blake2b":
    """What makes a request the same one: method, path, query, content type; then its body's bytes,
    decompressed."""
    digest = hashlib.blake2b(digest_size=32)
    for part in (request.method, request.path, request.query_string, content_type):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    for group in sorted(request[CALLER].groups):
        # A request means something else to whom other items are out of reach.
        digest.update(b"\0" + group.encode())
    return digest


def _wait(preferences: Preferences, settings: Settings) -> float:
    if preferences.wait is not None:
        return min(preferences.wait, settings.max_wait)
    return 0 if preferences.respond_async else settings.wait


def _headers(outcome: Outcome, status: int, preferences: Preferences) -> dict[str, str]:
    headers: dict[str, str] = {}
    applied = [
        each
        for each in preferences.applied
        if outcome.batch.action is Action.CREATE or not each.startswith("resolution=")
    ]
    if applied:
        headers["Preference-Applied"] = ", ".join(applied)
    if status == web.HTTPAccepted.status_code:
        headers["Location"] = batch_location(outcome.batch.id)
    if outcome.replayed:
        headers["Idempotency-Replayed"] = "true"
    return headers
