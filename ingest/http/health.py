"""/healthz: this process is alive. /readyz: what it needs is there."""

import asyncio

from aiohttp import web

from ingest.errors import Unavailable
from ingest.http.keys import POOL, REDIS, REGISTRY
from ingest.http.responses import json_response
from ingest.store.tables import missing_tables

_PATIENCE = 2.0  # seconds: whoever asks wants to know now, and a frozen database says nothing


async def healthz(request: web.Request) -> web.Response:
    return json_response(200, {"status": "alive"})


async def readyz(request: web.Request) -> web.Response:
    """200 when the database, its migrations and Redis are ready, else 503 and what is not."""
    checks = {
        "database": await _database(request),
        "redis": "ready" if await request.app[REDIS].is_there() else "does not answer",
    }
    ready = all(state == "ready" for state in checks.values())
    return json_response(
        200 if ready else 503, {"status": "ready" if ready else "not ready", "checks": checks}
    )


async def _database(request: web.Request) -> str:
    """What is wrong with the database; where it is slow the question goes on without the answer."""
    asking = asyncio.create_task(_ask_database(request))
    await asyncio.wait({asking}, timeout=_PATIENCE)
    return asking.result() if asking.done() else "does not answer"


async def _ask_database(request: web.Request) -> str:
    try:
        async with request.app[POOL].connection() as connection:
            missing = await missing_tables(connection, request.app[REGISTRY])
    except Unavailable:
        return "does not answer"
    return "ready" if not missing else f"run `ingest migrate`: it lacks {', '.join(missing[:5])}"
