"""/metrics: what Prometheus reads, of every process that shares its metrics with this one."""

import asyncio

from aiohttp import web

from ingest import metrics
from ingest.http.keys import PIPELINE

_PATIENCE = 2.0  # seconds for the backlog to be read: old figures are better than none


async def show(request: web.Request) -> web.Response:
    await request.app[PIPELINE].backlog.refresh(_PATIENCE)
    # In a thread: of many processes and collections it is a few milliseconds of work.
    body = await asyncio.to_thread(metrics.render)
    return web.Response(body=body, headers={"Content-Type": metrics.CONTENT_TYPE})
