"""How much a token may ask for: items in a time, and requests side by side."""

import asyncio
import math
from collections.abc import Sequence

from aiohttp import web
from aiohttp.typedefs import Handler

from ingest.access.rates import Quota
from ingest.errors import RateLimited
from ingest.http.keys import CALLER, CONCURRENCY, QUOTAS, RATES


@web.middleware
async def throttled(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Bound the requests that one token has under way."""
    caller = request.get(CALLER)
    if caller is None:
        return await handler(request)
    with request.app[CONCURRENCY].one_more(caller.token):
        return await handler(request)


async def charge(request: web.Request, items: int) -> None:
    """Count the items of a write against the rates of its token and account.

    Raises:
        RateLimited: says when the same request will pass.
    """
    verdict = await request.app[RATES].charge(request[CALLER], items)
    request[QUOTAS] = verdict.quotas
    if verdict.wait:
        raise RateLimited(
            "Too many items in too short a time; nothing was saved",
            "Wait for as long as Retry-After says, or send smaller batches.",
            retry_after=math.ceil(verdict.wait),
        )


async def slow_down(request: web.Request, items: int) -> None:
    """Count the items of a stream that goes on, and wait until they may be sent."""
    verdict = await request.app[RATES].charge(request[CALLER], items)
    while verdict.wait:
        await asyncio.sleep(verdict.wait)
        verdict = await request.app[RATES].charge(request[CALLER], items)
    request[QUOTAS] = verdict.quotas


async def tell_quotas(request: web.Request, response: web.StreamResponse) -> None:
    """Say what is left of each limit (draft-ietf-httpapi-ratelimit-headers)."""
    quotas: Sequence[Quota] = request.get(QUOTAS, ())
    if quotas:
        response.headers["RateLimit-Policy"] = ", ".join(
            f'"{quota.policy}";q={quota.limit};w={quota.length}' for quota in quotas
        )
        response.headers["RateLimit"] = ", ".join(
            f'"{quota.policy}";r={quota.left};t={quota.reset}' for quota in quotas
        )
