"""GET /v1/batches/{id}/digest: the failures of a batch in groups, with causes and remedies."""

import asyncio
from contextlib import aclosing

from aiohttp import web

from ingest.access.rights import Right
from ingest.dialects import collection
from ingest.digest.digest import Digest
from ingest.http.call import CALL, unknown_batch
from ingest.http.gate import CALLER
from ingest.http.presence import Presence
from ingest.http.request import endpoint
from ingest.http.responses import respond
from ingest.http.service import SERVICE
from ingest.http.visibility import check_visible, failures_as_seen
from ingest.model import AtMost, Batch
from ingest.store import batches
from ingest.store.failures import pages
from ingest.tasks import ahead

PAGE = AtMost(2_000, 1024 * 1024)
"""How many failures are worked on at once."""


@endpoint()
async def get_digest(request: web.Request) -> web.Response:
    call, caller, service = request[CALL], request[CALLER], request.app[SERVICE]
    batch = await batches.get(service.pool, caller.account, call.batch_id)
    if batch is None:
        raise unknown_batch(call.batch)
    check_visible(batch, caller)
    digest = await digest_of(request, batch)
    answer = collection.digest(batch, await asyncio.to_thread(digest.document))
    return await respond(request, answer)


async def digest_of(request: web.Request, batch: Batch) -> Digest:
    """The digest of a batch, of what the caller may see of its failures.

    A thread makes it, a page at a time, while the next page is read.

    Raises:
        MalformedBody: the client has gone.
    """
    service, caller, presence = request.app[SERVICE], request[CALLER], Presence(request)
    resource = service.registry.get(batch.collection)
    others = [
        each
        for each in service.registry.values()
        if each is not resource and caller.may(Right.CREATE, each.name)
    ]
    async with service.admission.reads.taken(caller.account):
        digest = await asyncio.to_thread(Digest, batch, resource, others)
        async with aclosing(ahead(pages(service.pool, batch.account, batch.id, PAGE))) as read:
            async for page in read:
                seen = failures_as_seen(page, batch, caller, resource)
                presence.check()
                await service.loop_time.turn(caller.account)
                await asyncio.to_thread(service.loop_time.take, caller.account, digest.add, seen)
    return digest
