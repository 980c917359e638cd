"""GET /v1/batches/{id} as `text/event-stream`: state and counts of a batch until it is finished.

Each event has the batch as it
stands in lists; `progress` comes when that changes, `finished` once, at the end.
"""

import asyncio
import time
from contextlib import suppress

import structlog
from aiohttp import web

from ingest.batches.waiting import Waited
from ingest.dialects import collection
from ingest.errors import RequestError
from ingest.formats.event_stream import SIGN_OF_LIFE, event
from ingest.formats.negotiation import EVENT_STREAM
from ingest.http.answers import paced, write
from ingest.http.call import CALL, unknown_batch
from ingest.http.gate import CALLER, GATE
from ingest.http.pace import Pace
from ingest.http.responses import VARY
from ingest.http.service import SERVICE
from ingest.http.visibility import batch_as_seen, check_visible
from ingest.model import Batch
from ingest.store import batches

log = structlog.get_logger(__name__)

_EVERY = 0.5  # seconds between two looks at a batch
_SIGN_OF_LIFE = 15.0  # seconds of silence after which a proxy may think the connection dead
_LONGEST = 3_600.0  # seconds after which a client connects anew
_FINISHED = "finished"


async def follow(request: web.Request) -> web.StreamResponse:
    """Tell how a batch comes along until it is finished.

    Raises:
        UnknownBatch, NotPermitted: as for the batch itself.
    """
    batch = await _look(request)
    if request.headers.get("Last-Event-ID") == _FINISHED:
        # A browser connects anew whenever a stream has ended; this is what stops it.
        return web.Response(status=204)
    response = web.StreamResponse(headers={**VARY, "X-Accel-Buffering": "no"})
    response.content_type = EVENT_STREAM
    response.charset = "utf-8"
    await response.prepare(request)
    waiters = request.app[SERVICE].pipeline.waiters
    try:
        with waiters.expecting(batch.account, batch.id) as waited:
            async with paced(request) as pace:
                await _tell(request, batch, waited, pace)
    except ConnectionError:
        log.info("a reader of progress went away", batch=str(batch.id))
    except RequestError as error:
        # The status is sent; the client connects anew, and learns why that fails.
        log.info("progress broke off", batch=str(batch.id), error=error.message)
    return response


async def _tell(request: web.Request, batch: Batch, waited: Waited, pace: Pace) -> None:
    ends, told, said = time.monotonic() + _LONGEST, b"", 0.0
    while True:
        now = _event(batch_as_seen(batch, request[CALLER]))
        if now != told:
            await write(request, now, pace)
            told, said = now, time.monotonic()
        elif time.monotonic() - said > _SIGN_OF_LIFE:
            await write(request, SIGN_OF_LIFE, pace)
            said = time.monotonic()
        over = batch.state.finished or request.app[SERVICE].stopping.is_set()
        if over or time.monotonic() > ends:
            return
        await _pause(waited)
        await request[GATE].authenticate()
        batch = await _look(request)


async def _pause(waited: Waited) -> None:
    """Wait for a while, or until the batch is said to be finished."""
    if waited.finished.is_set():
        await asyncio.sleep(_EVERY)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(_EVERY):
            await waited.finished.wait()


async def _look(request: web.Request) -> Batch:
    call, caller, pool = request[CALL], request[CALLER], request.app[SERVICE].pool
    batch = await batches.get_listed(pool, caller.account, call.batch_id)
    if batch is None:
        raise unknown_batch(call.batch)
    check_visible(batch, caller)
    return batch


def _event(batch: Batch) -> bytes:
    kind = _FINISHED if batch.state.finished else "progress"
    return event(kind, collection.in_list(batch))
