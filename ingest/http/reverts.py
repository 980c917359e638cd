"""Undo: a batch that puts back what another one has changed."""

import datetime as dt

from aiohttp import web

from ingest.access.rights import Caller, Right
from ingest.batches.write import Nothing, Write
from ingest.dialects import DEFAULT, collection
from ingest.errors import NotRevertible
from ingest.http.bodies import digest_of
from ingest.http.call import CALL, unknown_batch
from ingest.http.gate import CALLER
from ingest.http.request import endpoint
from ingest.http.responses import DIALECT, WRITTEN, respond
from ingest.http.service import SERVICE
from ingest.http.visibility import as_seen, check_visible
from ingest.http.writes import wait_of
from ingest.model import Action, Batch, Options
from ingest.resources.resource import Resource
from ingest.store import batches
from ingest.store.reverting import size_of


@endpoint(parameters=frozenset({"dryRun"}), body=True)
async def revert(request: web.Request) -> web.Response:
    """Undo a batch of the account, as a batch of its own."""
    call, caller, service = request[CALL], request[CALLER], request.app[SERVICE]
    batch = await batches.get(service.pool, caller.account, call.batch_id)
    if batch is None:
        raise unknown_batch(call.batch)
    check_visible(batch, caller)
    _check_rights(caller, batch)
    resource = service.registry.get(batch.collection)
    if resource is None:
        raise NotRevertible(
            f"The collection {batch.collection} is not served any more", batch_id=batch.id
        )
    write = _write_of(request, batch, resource)
    await service.pipeline.admit(write)
    _check_age(batch, service.settings.revert_ttl)
    size = await size_of(service.pool, batch)
    body = Nothing(batch.changed, size, digest_of(request).digest())
    outcome = await service.pipeline.run(write, body)
    request[WRITTEN] = outcome
    outcome = as_seen(outcome, caller, resource)
    minimal = call.preferences.minimal
    if write.dry_run:
        answer = collection.dry_run(outcome, minimal=minimal)
    else:
        answer = collection.written(outcome, service.presenters[resource.name], minimal=minimal)
    return await respond(request, answer)


def _write_of(request: web.Request, batch: Batch, resource: Resource) -> Write:
    call, caller, settings = request[CALL], request[CALLER], request.app[SERVICE].settings
    asked = call.preferences
    return Write(
        account=caller.account,
        token=caller.token,
        resource=resource,
        action=Action.REVERT,
        options=Options(
            representation=not asked.minimal and caller.may(Right.READ, resource.name),
            select=resource.selection,
            lenient=asked.lenient,
            groups=caller.groups,
            undo=settings.revert_ttl > 0,
            reverts=batch.id,
        ),
        key=call.idempotency_key,
        wait=wait_of(call, request.get(DIALECT, DEFAULT), settings),
        replay_returns=asked.replay_returns or settings.replay == "return",
        dry_run=call.dry_run,
        trace_id=call.trace_id,
        layout=batch.layout,
    )


def _check_rights(caller: Caller, batch: Batch) -> None:
    """Raise NotPermitted where the caller could not do by hand what undoing does."""
    inverse = {
        Right.DELETE: batch.created,
        Right.UPDATE: batch.updated,
        Right.CREATE: batch.deleted,
    }
    for right, items in inverse.items():
        if items:
            caller.needs(right, batch.collection)
    caller.needs_any(batch.collection)


def _check_age(batch: Batch, kept: float) -> None:
    if not kept:
        raise NotRevertible(
            "This service keeps nothing to undo batches with", "INGEST_REVERT_TTL is 0."
        )
    age = dt.timedelta(seconds=kept)
    if batch.finished_at is not None and batch.finished_at + age < dt.datetime.now(dt.UTC):
        raise NotRevertible(
            "The batch finished too long ago to be undone",
            f"It can be undone for {age} (INGEST_REVERT_TTL).",
            batch_id=batch.id,
        )
