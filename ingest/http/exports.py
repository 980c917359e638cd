"""GET of a collection as a file: all items that match, in the order of their keys, as they stream.

A page is read after the other, each behind the last key of the one before: what is there all the
time is in the file exactly once, whatever is written meanwhile.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import structlog
from aiohttp import web

from ingest.errors import Unavailable
from ingest.exactjson import dump_exact, load_exact
from ingest.formats.failure_columns import Columns
from ingest.formats.failure_files import csv_lines, csv_rows, defuse, whole_column
from ingest.formats.ndjson import ndjson_lines
from ingest.formats.negotiation import CSV, NDJSON
from ingest.formats.shapes import item_shape
from ingest.http.answers import paced, write
from ingest.http.call import CALL, RESOURCE
from ingest.http.gate import CALLER
from ingest.http.reading import reading
from ingest.http.responses import VARY
from ingest.http.service import SERVICE
from ingest.model import AtMost
from ingest.store import reads

log = structlog.get_logger(__name__)

FILES = (NDJSON, CSV)
"""The formats of files."""
_PAGE = 200  # items: what is shown of them takes the event loop a few milliseconds

Rows = Sequence[Any]
"""Items as GET shows them, as `dump_exact` writes them."""


async def export(request: web.Request) -> web.StreamResponse:
    """All items that match, or as many as `limit` says; without the documents around them."""
    media_type, name = request[CALL].media_type or NDJSON, request[RESOURCE].name
    response = web.StreamResponse(headers=VARY)
    response.content_type = media_type
    if media_type == CSV:
        response.charset = "utf-8"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    head, lines = await _csv(request) if media_type == CSV else (b"", ndjson_lines)
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    try:
        async with paced(request) as pace:
            await write(request, head, pace)
            async for rows in _pages(request):
                await write(request, lines(rows), pace)
    except ConnectionError:
        log.info("a reader of items went away", collection=name)
    except Unavailable as error:
        # The status is sent: only a broken connection can still show that it is not complete.
        log.warning("items broke off", collection=name, error=error.message)
        if request.transport is not None:
            request.transport.abort()
    return response


async def _pages(request: web.Request) -> AsyncIterator[Rows]:
    call, caller, service = request[CALL], request[CALLER], request.app[SERVICE]
    resource = request[RESOURCE]
    presenter = service.presenters[resource.name]
    left = call.limit if "limit" in request.query else None
    after, offset = call.after, call.offset
    while left is None or left > 0:
        async with reading(request):
            page = await reads.list_items(
                service.pool,
                resource,
                caller.account,
                call.filters,
                at_most=AtMost(min(_PAGE, left or _PAGE), service.settings.max_answer),
                offset=offset,
                after=after,
                select=call.select,
                groups=caller.groups,
                counted=False,
            )
            shown = [presenter.item(row, call.select) for row in page.rows]
        if shown:
            yield shown
        if page.last is None:
            return
        after, offset = page.last, 0
        left = None if left is None else left - len(shown)


async def _csv(request: web.Request) -> tuple[bytes, Callable[[Rows], bytes]]:
    """The header, and what writes the items under it; no cell is taken for a formula."""
    resource = request[RESOURCE]
    columns = Columns(resource.key.data_key, item_shape(resource))
    async for rows in _pages(request):
        columns.add(_documents(rows))
        if columns.too_many:
            whole = whole_column({field.data_key for field in resource.fields}.__contains__)
            return csv_lines([[whole]]), lambda rows: csv_lines(
                [dump_exact(row).decode()] for row in rows
            )
    names = columns.names or tuple(
        field.data_key
        for field in resource.fields
        if field.shown and field.data_key not in request[CALL].select.hidden
    )
    return csv_lines([[*map(defuse, names)]]), lambda rows: csv_rows(_documents(rows), names)


def _documents(rows: Rows) -> list[Any]:
    return [load_exact(dump_exact(row)) for row in rows]
