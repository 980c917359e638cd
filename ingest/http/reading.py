"""A turn at reading much of what is stored."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from ingest.http.gate import CALLER
from ingest.http.service import SERVICE


@asynccontextmanager
async def reading(request: web.Request) -> AsyncIterator[None]:
    """A turn at it; what it takes is the account's time, that of the database too."""
    account, service = request[CALLER].account, request.app[SERVICE]
    async with service.admission.reads.taken(account):
        began = time.monotonic()
        try:
            yield
        finally:
            service.loop_time.spend(account, time.monotonic() - began)
