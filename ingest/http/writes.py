"""POST, PATCH and DELETE of a collection: the request in HTTP's terms, handed to the pipeline."""

import hashlib
import re

from aiohttp import web

from ingest.dialects import collection
from ingest.errors import InvalidKey
from ingest.formats import json
from ingest.http.body import check_encoding, content_type, read_body
from ingest.http.keys import CALLER, PIPELINE, PRESENTERS, SETTINGS, TRACE_ID
from ingest.http.lookup import resource_of
from ingest.http.preferences import Preferences, parse_preferences
from ingest.http.query import check_parameters
from ingest.http.responses import batch_location, respond
from ingest.model import Action, IdempotencyKey, Options, Outcome
from ingest.pipeline import Write
from ingest.settings import Settings

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


async def create(request: web.Request) -> web.Response:
    return await _write(request, Action.CREATE)


async def update(request: web.Request) -> web.Response:
    return await _write(request, Action.UPDATE)


async def delete(request: web.Request) -> web.Response:
    return await _write(request, Action.DELETE)


async def _write(request: web.Request, action: Action) -> web.Response:
    resource = resource_of(request)
    settings = request.app[SETTINGS]
    check_parameters(request)
    preferences = parse_preferences(request.headers.getall("Prefer", ()))
    key = idempotency_key(request)
    media_type = content_type(request)
    check_encoding(request)
    body = await read_body(request, limit=settings.max_body, seconds=settings.body_timeout)
    write = Write(
        account=request[CALLER].account,
        resource=resource,
        action=action,
        items=json.decode(body, max_items=settings.max_items, max_nesting=settings.max_nesting),
        options=Options(representation=preferences.return_ != "minimal"),
        wait=_wait(preferences, settings),
        replay_returns=preferences.replay_returns or settings.replay == "return",
        trace_id=request[TRACE_ID],
        key=None if key is None else IdempotencyKey(key, _fingerprint(request, media_type, body)),
    )
    outcome = await request.app[PIPELINE].write(write)
    answer = collection.written(outcome, request.app[PRESENTERS][resource.name])
    return respond(answer.status, answer.document, _headers(outcome, answer.status, preferences))


def idempotency_key(request: web.Request) -> str | None:
    """The `Idempotency-Key`, quoted or bare, of 1 to 255 visible ASCII characters.

    Raises:
        InvalidKey
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


def _fingerprint(request: web.Request, media_type: str, body: bytes) -> bytes:
    """What makes a request the same one: method, path, query, content type and body."""
    # The path and query decoded, so that how a client happens to escape them does not matter.
    parts = (request.method, request.path, request.query_string, media_type)
    digest = hashlib.blake2b(digest_size=32)
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    digest.update(body)
    return digest.digest()


def _wait(preferences: Preferences, settings: Settings) -> float:
    if preferences.wait is not None:
        return min(preferences.wait, settings.max_wait)
    return 0 if preferences.respond_async else settings.wait


def _headers(outcome: Outcome, status: int, preferences: Preferences) -> dict[str, str]:
    headers: dict[str, str] = {}
    if preferences.applied:
        headers["Preference-Applied"] = ", ".join(preferences.applied)
    if status == web.HTTPAccepted.status_code:
        headers["Location"] = batch_location(outcome.batch.id)
    if outcome.replayed:
        headers["Idempotency-Replayed"] = "true"
    return headers
