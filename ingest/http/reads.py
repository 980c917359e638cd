"""GET: lists, single items, batches."""

from aiohttp import web

from ingest.access.rights import Right
from ingest.dialects import collection
from ingest.errors import ItemNotFound
from ingest.http.keys import CALLER, POOL, PRESENTERS, SETTINGS
from ingest.http.lookup import (
    as_seen,
    batch_id_of,
    check_visible,
    permitted_resource,
    unknown_batch,
)
from ingest.http.query import check_parameters, list_query, page_query, wants_meta
from ingest.http.responses import respond
from ingest.resources.url_values import parse
from ingest.store import batches, reads


async def list_items(request: web.Request) -> web.Response:
    resource = permitted_resource(request, Right.READ)
    query = list_query(request, resource)
    page = await reads.list_items(
        request.app[POOL],
        resource,
        request[CALLER].account,
        query.filters,
        limit=query.limit,
        offset=query.offset,
        meta=query.meta,
        groups=request[CALLER].groups,
    )
    answer = collection.listed(page, request.app[PRESENTERS][resource.name])
    return await respond(request, answer.status, answer.document)


async def get_item(request: web.Request) -> web.Response:
    resource = permitted_resource(request, Right.READ)
    check_parameters(request, {"select"})
    meta = wants_meta(request)
    text = request.match_info["key"]
    absent = ItemNotFound(f"No item has the {resource.key.data_key} {text[:100]!r}")
    try:
        key = parse(resource.key.field, resource.key.type, text)
    except ValueError:
        raise absent from None
    caller = request[CALLER]
    row = await reads.get_item(
        request.app[POOL], resource, caller.account, key, meta=meta, groups=caller.groups
    )
    if row is None:
        raise absent
    answer = collection.item(row, request.app[PRESENTERS][resource.name])
    return await respond(request, answer.status, answer.document)


async def list_batches(request: web.Request) -> web.Response:
    check_parameters(request, {"limit", "offset"})
    limit, offset = page_query(request)
    found, total = await batches.list_batches(request.app[POOL], request[CALLER], limit, offset)
    answer = collection.listed_batches(found, limit, offset, total)
    return await respond(request, answer.status, answer.document)


async def get_batch(request: web.Request) -> web.Response:
    check_parameters(request)
    batch_id = batch_id_of(request)
    [outcome] = await batches.get_outcomes(
        request.app[POOL],
        request[CALLER].account,
        [batch_id],
        request.app[SETTINGS].max_failures,
    )
    if outcome is None:
        raise unknown_batch(str(batch_id))
    check_visible(request, outcome.batch)
    seen = as_seen(request, outcome)
    answer = collection.batch(seen, request.app[PRESENTERS].get(seen.batch.collection))
    return await respond(request, answer.status, answer.document)
