"""What operators' tools call: /healthz, /readyz and /metrics."""

import asyncio

from aiohttp import web

from ingest import metrics
from ingest.http.responses import json_response
from ingest.http.service import SERVICE, Service
from ingest.store.state import READY, state_of_database

_TIMEOUT = 2.0  # seconds: a late answer is of no use, and a frozen database gives none


async def healthz(request: web.Request) -> web.Response:
    """200: this process is alive."""
    return json_response(200, {"status": "alive"})


async def readyz(request: web.Request) -> web.Response:
    """200 when the database and its migrations are ready, else 503; and what is not.

    Without Redis the service is degraded, and works.
    """
    service = request.app[SERVICE]
    checks = {
        "database": await _database(service),
        "redis": await service.redis.state(),
    }
    ready = checks["database"] == READY
    status = "not ready" if not ready else "ready" if checks["redis"] == READY else "degraded"
    if service.settings.read_only:
        checks["writes"] = "refused: INGEST_READ_ONLY is set"
    return json_response(200 if ready else 503, {"status": status, "checks": checks})


async def show_metrics(request: web.Request) -> web.Response:
    """What Prometheus reads, of every process that shares its metrics with this one."""
    # Where the database is slow, it shows the figures of the last reading.
    await request.app[SERVICE].pipeline.backlog.refresh(_TIMEOUT)
    # In a thread: of many processes and collections it is a few milliseconds of work.
    body = await asyncio.to_thread(metrics.render)
    return web.Response(body=body, headers={"Content-Type": metrics.CONTENT_TYPE})


async def _database(service: Service) -> str:
    """What is wrong with the database; the query of a slow one goes on without this answer."""
    query = asyncio.create_task(state_of_database(service.pool, service.registry))
    await asyncio.wait({query}, timeout=_TIMEOUT)
    return query.result() if query.done() else "does not answer"
