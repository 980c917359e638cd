"""GET /v1/batches/{id}/failures: every failed item of a batch, as a file that streams."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from functools import partial

import structlog
from aiohttp import web

from ingest.dialects import collection
from ingest.errors import MalformedBody, Unavailable
from ingest.formats.csv_header import Header
from ingest.formats.failure_columns import Columns
from ingest.formats.failure_files import (
    HOLE,
    CsvWriter,
    JsonWriter,
    NdjsonWriter,
    Read,
    WholeCsvWriter,
    Writer,
    whole_column,
)
from ingest.formats.negotiation import CSV, FAILURES, JSON, NDJSON
from ingest.formats.shapes import ABSENT, ANY, Shape, item_shape
from ingest.http.answers import paced, write
from ingest.http.call import CALL, unknown_batch
from ingest.http.gate import CALLER
from ingest.http.request import endpoint
from ingest.http.responses import VARY, tell
from ingest.http.service import SERVICE
from ingest.http.visibility import check_visible, failures_as_seen
from ingest.model import Batch, Failure
from ingest.resources.resource import SERVER_KEY, Resource
from ingest.store import batches
from ingest.store.failures import pages

log = structlog.get_logger(__name__)

_AT_ONCE = 10
_WIDE = 1_000
"""The columns of a body of CSV above which a thread writes its rows."""


@endpoint(formats=FAILURES)
async def get_failures(request: web.Request) -> web.StreamResponse:
    call, caller, pool = request[CALL], request[CALLER], request.app[SERVICE].pool
    batch = await batches.get(pool, caller.account, call.batch_id)
    if batch is None:
        raise unknown_batch(call.batch)
    check_visible(batch, caller)
    media_type = call.media_type or JSON
    resource = request.app[SERVICE].registry.get(batch.collection)

    async def shown() -> AsyncIterator[Sequence[Failure]]:
        async for page in pages(pool, batch.account, batch.id):
            yield failures_as_seen(page, batch, caller, resource)

    writer = await _writer(request, batch, media_type, shown)
    wide = media_type == CSV and len(batch.options.columns or ()) > _WIDE

    async def written(part: Sequence[Failure]) -> bytes:
        return await asyncio.to_thread(writer.page, part) if wide else writer.page(part)

    response = web.StreamResponse(headers=VARY)
    response.content_type = media_type
    if media_type == CSV:
        response.charset = "utf-8"
        response.headers["Content-Disposition"] = f'attachment; filename="{batch.id}-failures.csv"'
    await response.prepare(request)
    try:
        async with paced(request) as pace:
            await write(request, writer.head, pace)
            async for page in shown():
                parts = [await written(part) async for part in _parts(page)]
                await write(request, b"".join(parts), pace)
            await write(request, writer.tail, pace)
    except ConnectionError:
        log.info("a reader of failures went away", batch=str(batch.id))
    except Unavailable as error:
        # The status is sent: only a broken connection can still show that it is not complete.
        log.warning("failures broke off", batch=str(batch.id), error=error.message)
        if request.transport is not None:
            request.transport.abort()
    return response


async def _writer(
    request: web.Request,
    batch: Batch,
    media_type: str,
    shown: Callable[[], AsyncIterator[Sequence[Failure]]],
) -> Writer:
    if media_type == NDJSON:
        return NdjsonWriter()
    if media_type == JSON:
        told = await tell(request, collection.failures(batch, HOLE))
        return JsonWriter(told.document)
    resource = request.app[SERVICE].registry.get(batch.collection)
    key = _key_column(resource, batch)
    shape = ANY if resource is None else item_shape(resource)
    names = batch.options.columns
    if names is None:
        columns = Columns(key, shape)
        async for page in shown():
            async for part in _parts(page):
                columns.add([each.raw for each in part])
            if columns.too_many:
                break
        names = None if columns.too_many else columns.names
    empty = None if batch.options.empty_as_null else ABSENT
    limit = request.app[SERVICE].settings.max_nesting

    def read(header: Sequence[str]) -> Read:
        return Header(header, shape, empty=empty, max_nesting=limit).item

    write_csv = partial(_csv_writer, names, key, shape, read, repairs=batch.kept)
    return await asyncio.to_thread(write_csv)


def _csv_writer(
    names: Sequence[str] | None,
    key: str,
    shape: Shape,
    read: Callable[[Sequence[str]], Read],
    *,
    repairs: bool,
) -> Writer:
    """A writer of CSV with columns of these names, or with one where no header can have them.

    Args:
        read: from a header to what reads its rows. Raises MalformedBody where none can be so.
    """
    if names is not None and all(name and name == name.strip() for name in names):
        with suppress(MalformedBody):
            return CsvWriter(names, key, read, repairs=repairs)
    return WholeCsvWriter([whole_column(shape.names)], repairs=repairs)


async def _parts(page: Sequence[Failure]) -> AsyncIterator[Sequence[Failure]]:
    """The failures of a page, a few at a time: of CSV, each has a cell under every column."""
    for start in range(0, len(page), _AT_ONCE):
        yield page[start : start + _AT_ONCE]
        await asyncio.sleep(0)


def _key_column(resource: Resource | None, batch: Batch) -> str:
    """The name of the column that holds bare keys."""
    return SERVER_KEY if resource is None else resource.identity(batch.options.matching).data_key
