"""Writes to a collection or an item: the request in HTTP's terms, handed to the pipeline."""

from contextlib import aclosing

from aiohttp import web

from ingest.access.rights import Caller, Right
from ingest.batches.write import Write
from ingest.dialects import DEFAULT, collection
from ingest.dialects.answer import Dialect
from ingest.errors import UnsupportedMediaType
from ingest.formats.decoding import open_decoder
from ingest.formats.limits import Limits
from ingest.formats.negotiation import CSV, RESPONSES, STREAMS, EmptyAs
from ingest.formats.shapes import shape_of
from ingest.http.bodies import Body, ItemBody
from ingest.http.call import CALL, RESOURCE, Call
from ingest.http.gate import CALLER
from ingest.http.presence import Presence
from ingest.http.request import WRITE, WRITE_ITEM, endpoint
from ingest.http.responses import DIALECT, SINGLE, WRITTEN, respond
from ingest.http.service import SERVICE
from ingest.http.streams import Stream
from ingest.http.visibility import as_seen
from ingest.model import Action, Options, Resolution
from ingest.resources.resource import Resource
from ingest.settings import Settings


@endpoint(right=Right.CREATE, parameters=WRITE, body=True)
async def create(request: web.Request) -> web.Response:
    return await _write(request, Action.CREATE)


@endpoint(right=Right.UPDATE, parameters=WRITE, body=True)
async def update(request: web.Request) -> web.Response:
    return await _write(request, Action.UPDATE)


@endpoint(right=Right.DELETE, parameters=WRITE, body=True)
async def delete(request: web.Request) -> web.Response:
    return await _write(request, Action.DELETE)


@endpoint(right=Right.UPDATE, parameters=WRITE, body=True, puts=True)
async def put(request: web.Request) -> web.Response:
    return await _write(request, Action.UPDATE)


@endpoint(right=Right.UPDATE, parameters=WRITE_ITEM, body=True, puts=True)
async def update_item(request: web.Request) -> web.Response:
    return await _write(request, Action.UPDATE)


@endpoint(right=Right.DELETE, parameters=WRITE_ITEM, body=True, puts=True)
async def delete_item(request: web.Request) -> web.Response:
    return await _write(request, Action.DELETE)


async def _write(request: web.Request, action: Action) -> web.Response:
    call, caller, service = request[CALL], request[CALLER], request.app[SERVICE]
    resource = request[RESOURCE]
    dialect = request.get(DIALECT, DEFAULT)
    write = _write_of(call, caller, resource, action, dialect, service.settings)
    if write.options.resolution.updates:
        caller.needs(Right.UPDATE, resource.name)
    await service.pipeline.admit(write)
    async with aclosing(_body_of(request, write)) as body:
        outcome = await service.pipeline.run(write, body)
        if body.single:
            request[SINGLE] = True
    request[WRITTEN] = outcome
    outcome = as_seen(outcome, caller, resource)
    if write.dry_run:
        answer = collection.dry_run(outcome, minimal=call.preferences.minimal)
    else:
        presenter = service.presenters[resource.name]
        answer = collection.written(outcome, presenter, minimal=call.preferences.minimal)
    return await respond(request, answer)


def _write_of(
    call: Call,
    caller: Caller,
    resource: Resource,
    action: Action,
    dialect: Dialect,
    settings: Settings,
) -> Write:
    asked, said = call.preferences, call.head.format
    resolution = asked.resolution if action is Action.CREATE else Resolution.REFUSE
    return Write(
        account=caller.account,
        token=caller.token,
        resource=resource,
        action=action,
        options=Options(
            # A token that may not read sees nothing of what is stored, nor of what it has changed.
            representation=not asked.minimal and caller.may(Right.READ, resource.name),
            select=call.select,
            lenient=asked.lenient,
            resolution=resolution,
            matching=call.matching,
            groups=caller.groups,
            empty_as_null=said.media_type == CSV and said.empty_as is EmptyAs.NULL,
            rewritten=said.notation is not None,
            repair=_keeps(call, resource, settings),
            undo=settings.revert_ttl > 0 and (action is not Action.CREATE or resolution.updates),
        ),
        key=call.idempotency_key,
        wait=wait_of(call, dialect, settings),
        replay_returns=asked.replay_returns or settings.replay == "return",
        dry_run=call.dry_run,
        trace_id=call.trace_id,
        watched=_watched(resource, action, resolution, dialect),
    )


def wait_of(call: Call, dialect: Dialect, settings: Settings) -> float:
    """Seconds that the answer waits for the commit."""
    asked = call.preferences
    if asked.wait is not None:
        return min(asked.wait, settings.max_wait)
    if asked.respond_async and dialect.knows_accepted:
        return 0.0
    return settings.max_wait if dialect.waits else settings.wait


def _keeps(call: Call, resource: Resource, settings: Settings) -> bool:
    """Whether the batch is kept to be repaired, where it is refused for its items."""
    wanted = call.preferences.keeps or resource.repairable or settings.repair == "keep"
    return wanted and not call.preferences.lenient and not call.dry_run


def _watched(
    resource: Resource, action: Action, resolution: Resolution, dialect: Dialect
) -> frozenset[str]:
    """The fields that have to be carried by items of a sparse write to change a summary."""
    sparse = action is Action.UPDATE or resolution is not Resolution.REFUSE
    if not (sparse and dialect.shows_summaries):
        return frozenset()
    return frozenset(name for summary in resource.summaries.values() for name in summary.fields)


def _body_of(request: web.Request, write: Write) -> Body:
    call, service = request[CALL], request.app[SERVICE]
    resource, settings = write.resource, service.settings
    limits = Limits(
        settings.max_body,
        settings.max_items,
        settings.max_nesting,
        check=Presence(request).check,
    )
    decoder = open_decoder(
        call.head.format,
        resource,
        call.matching,
        limits,
        deletes=write.action is Action.DELETE,
        typed=None if call.item else service.pipeline.typed(write),
    )
    if call.item:
        if call.head.format.media_type in STREAMS:
            raise UnsupportedMediaType(
                f"One item is not read from {call.head.format.media_type}",
                f"Send {', '.join(RESPONSES)}.",
            )
        key = shape_of(resource.key.field).value(call.item)
        return ItemBody(request, settings.max_body, decoder, field=resource.key, key=key)
    if call.head.format.media_type in STREAMS:
        return Stream(request, settings.max_stream, decoder)
    return Body(request, settings.max_body, decoder)
