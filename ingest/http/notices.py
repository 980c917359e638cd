"""`notifications`: what every response of an account says of the limits that it has reached."""

from typing import Any

import structlog
from aiohttp import web

from ingest.access.quotas import notifications
from ingest.errors import IngestError
from ingest.http.keys import CALLER, LIMITED, POOL, REGISTRY
from ingest.store.quotas import read_holdings

log = structlog.get_logger(__name__)


async def noticed(request: web.Request, document: dict[str, Any]) -> dict[str, Any]:
    """A document with the notifications of the caller's account, where there are any.

    Only an account that has limits costs a look into the database.
    """
    caller = request.get(CALLER)
    if caller is None or not (request.get(LIMITED) or caller.limited):
        return document
    try:
        holdings = await read_holdings(request.app[POOL], caller.account)
    except IngestError as error:
        # What was done is done, and said without them.
        log.warning("no notifications", error=type(error).__name__)
        return document
    names = notifications(request.app[REGISTRY], holdings)
    return {**document, "notifications": names} if names else document
