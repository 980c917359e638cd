"""Repair in place: a batch that was refused, and is kept, corrected item by item, or given up."""

import re
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

import structlog
from aiohttp import hdrs, web

from ingest.access.rights import Caller, Right
from ingest.batches.write import Changes, Write
from ingest.dialects import DEFAULT, collection
from ingest.errors import NotRepairable
from ingest.formats.changes import open_changes
from ingest.formats.limits import Limits
from ingest.formats.negotiation import STREAMS, EmptyAs
from ingest.http.bodies import Body
from ingest.http.call import CALL, unknown_batch
from ingest.http.gate import CALLER
from ingest.http.headers import BODY_PARAMETERS
from ingest.http.presence import Presence
from ingest.http.reads import get_batch
from ingest.http.request import endpoint
from ingest.http.responses import DIALECT, WRITTEN, respond
from ingest.http.service import SERVICE
from ingest.http.streams import Stream
from ingest.http.visibility import as_seen, check_visible
from ingest.http.writes import wait_of
from ingest.model import Action, Batch
from ingest.resources.resource import Resource
from ingest.store import batches
from ingest.store.repair import check_attempt
from ingest.store.repair import give_up as give_up_batch

log = structlog.get_logger(__name__)


class ClosedChanges(Changes, Protocol):
    """Changes that hold what they read until they are closed."""

    async def aclose(self) -> None: ...


_PREFERENCES = frozenset({"respond-async", "return", "wait"})
"""Those that mean something here."""
_TAG = re.compile(r'(?:W/)?"?([^",\s]+)"?')


@endpoint(parameters=BODY_PARAMETERS, body=True)
async def repair(request: web.Request) -> web.Response:
    """Correct items of a batch at their indices, and save it as that batch."""
    batch, attempt = await batch_of(request)
    resource = resource_of(request, batch)
    return await repaired(request, batch, attempt, _body_of(request, batch, resource))


async def repaired(
    request: web.Request, batch: Batch, attempt: int | None, changes: ClosedChanges
) -> web.Response:
    """The answer to a repair with these changes."""
    call, caller, service = request[CALL], request[CALLER], request.app[SERVICE]
    applied = [each for each in call.preferences.applied if each.split("=")[0] in _PREFERENCES]
    preferences = replace(call.preferences, applied=tuple(applied))
    call = request[CALL] = replace(call, preferences=preferences)
    resource = resource_of(request, batch)
    dialect = request.get(DIALECT, DEFAULT)
    write = Write.of_batch(
        batch,
        resource,
        token=caller.token,
        wait=wait_of(call, dialect, service.settings),
        trace_id=call.trace_id,
    )
    await service.pipeline.admit(write)
    async with aclosing(changes):
        outcome = await service.pipeline.repair(write, batch, changes, attempt)
    request[WRITTEN] = outcome
    seen = as_seen(outcome, caller, resource)
    presenter = service.presenters[resource.name]
    answer = collection.repaired(seen, presenter, minimal=preferences.minimal)
    response = await respond(request, answer)
    response.headers[hdrs.ETAG] = f'"{outcome.batch.attempt}"'
    return response


@endpoint()
async def give_up(request: web.Request) -> web.StreamResponse:
    """Keep a batch no longer to be repaired; the answer is the batch."""
    batch, attempt = await batch_of(request)
    await give_up_batch(request.app[SERVICE].pool, batch, attempt)
    log.info("batch given up", batch=str(batch.id), collection=batch.collection)
    shown: web.StreamResponse = await get_batch(request)
    return shown


async def batch_of(request: web.Request) -> tuple[Batch, int | None]:
    """The batch of the path, and the attempt that it has to be at.

    Raises:
        UnknownBatch, NotPermitted: the caller does not see it, or could not have sent it.
        AttemptMismatch, NotRepairable: nothing can be done to it as it is.
    """
    call, caller = request[CALL], request[CALLER]
    batch = await batches.get(request.app[SERVICE].pool, caller.account, call.batch_id)
    if batch is None:
        raise unknown_batch(call.batch)
    check_visible(batch, caller)
    _check_rights(caller, batch)
    attempt = _attempt(request, batch)
    check_attempt(batch, attempt)
    return batch, attempt


def _attempt(request: web.Request, batch: Batch) -> int | None:
    """The attempt that `If-Match` names (RFC 9110, 13.1.1); 0, which no batch is at, for others."""
    said = ",".join(request.headers.getall(hdrs.IF_MATCH, ()))
    tags = _TAG.findall(said)
    if not tags or tags == ["*"]:
        return None
    if str(batch.attempt) in tags:
        return batch.attempt
    return int(tags[0]) if tags[0].isascii() and tags[0].isdigit() and len(tags[0]) < 10 else 0


def resource_of(request: web.Request, batch: Batch) -> Resource:
    """The resource of a batch. Raises NotRepairable where it is gone."""
    resource = request.app[SERVICE].registry.get(batch.collection)
    if resource is None:
        raise NotRepairable(
            f"The collection {batch.collection} is not served any more", batch_id=batch.id
        )
    return resource


def _check_rights(caller: Caller, batch: Batch) -> None:
    """Raise NotPermitted where the caller could not send such a batch."""
    if batch.action is Action.REVERT:
        return  # it is never kept, which is said of it
    caller.needs(Right(batch.action.value), batch.collection)
    if batch.options.resolution.updates:
        caller.needs(Right.UPDATE, batch.collection)


def _body_of(request: web.Request, batch: Batch, resource: Resource) -> Body:
    call, settings = request[CALL], request.app[SERVICE].settings
    limits = Limits(
        settings.max_body,
        settings.max_items,
        settings.max_nesting,
        check=Presence(request).check,
    )
    said = call.head.format
    if said.empty_as is None and batch.options.empty_as_null:  # its failures are written so
        said = replace(said, empty_as=EmptyAs.NULL)
    decoder = open_changes(said, resource, limits)
    if call.head.format.media_type in STREAMS:
        return Stream(request, settings.max_stream, decoder)
    return Body(request, settings.max_body, decoder)
