"""GET: lists, single items, batches."""

from aiohttp import web

from ingest.access.rights import Right
from ingest.dialects import collection
from ingest.errors import ItemNotFound
from ingest.formats.negotiation import EVENT_STREAM, RESPONSES
from ingest.http import exports, progress
from ingest.http.call import CALL, RESOURCE, unknown_batch
from ingest.http.gate import CALLER
from ingest.http.links import prefix
from ingest.http.reading import reading
from ingest.http.request import BATCHES, LIST, SELECT, endpoint
from ingest.http.responses import respond
from ingest.http.service import SERVICE
from ingest.http.visibility import as_seen, batch_as_seen, check_visible
from ingest.model import AtMost
from ingest.resources.url_values import as_text, parse
from ingest.store import batches, reads


@endpoint(right=Right.READ, parameters=LIST, files=exports.FILES)
async def list_items(request: web.Request) -> web.StreamResponse:
    if request[CALL].media_type in exports.FILES:
        return await exports.export(request)
    call, caller, service = request[CALL], request[CALLER], request.app[SERVICE]
    resource = request[RESOURCE]
    async with reading(request):
        page = await reads.list_items(
            service.pool,
            resource,
            caller.account,
            call.filters,
            at_most=AtMost(call.limit, service.settings.max_answer),
            offset=call.offset,
            after=call.after,
            select=call.select,
            groups=caller.groups,
        )
        following = None if page.last is None else as_text(resource.key.field, page.last)
        presenter = service.presenters[resource.name]
        answer = collection.listed(page, presenter, call.select, following)
        return await respond(request, answer, _link_to_next(request, following))


def _link_to_next(request: web.Request, following: str | None) -> dict[str, str]:
    """The header that leads to the page after a key, or a batch."""
    if following is None:
        return {}
    query = request.rel_url.query.copy()
    query.pop("offset", None)
    query["after"] = following
    url = f"{prefix(request.app[SERVICE])}{request.rel_url.with_query(query)}"
    return {"Link": f'<{url}>; rel="next"'}


@endpoint(right=Right.READ, parameters=SELECT)
async def get_item(request: web.Request) -> web.Response:
    call, caller, service = request[CALL], request[CALLER], request.app[SERVICE]
    resource = request[RESOURCE]
    absent = ItemNotFound(f"No item has the {resource.key.data_key} {call.item[:100]!r}")
    try:
        key = parse(resource.key.field, resource.key.type, call.item)
    except ValueError:
        raise absent from None
    row = await reads.get_item(
        service.pool, resource, caller.account, key, select=call.select, groups=caller.groups
    )
    if row is None:
        raise absent
    answer = collection.item(row, service.presenters[resource.name], call.select)
    return await respond(request, answer)


@endpoint(parameters=BATCHES)
async def list_batches(request: web.Request) -> web.Response:
    call, caller, service = request[CALL], request[CALLER], request.app[SERVICE]
    async with reading(request):
        found, total, last = await batches.list_batches(
            service.pool, caller, call.limit, call.offset, call.batches
        )
        found = [batch_as_seen(batch, caller) for batch in found]
        following = None if last is None else str(last)
        answer = collection.listed_batches(found, call.limit, call.offset, total, following)
        return await respond(request, answer, _link_to_next(request, following))


@endpoint(formats=(*RESPONSES, EVENT_STREAM))
async def get_batch(request: web.Request) -> web.StreamResponse:
    call, caller, service = request[CALL], request[CALLER], request.app[SERVICE]
    if call.media_type == EVENT_STREAM:
        return await progress.follow(request)
    at_most = AtMost(service.settings.max_failures, service.settings.max_answer)
    async with reading(request):
        [outcome] = await batches.get_outcomes(
            service.pool, caller.account, [call.batch_id], at_most
        )
        if outcome is None:
            raise unknown_batch(call.batch)
        check_visible(outcome.batch, caller)
        name = outcome.batch.collection
        seen = as_seen(outcome, caller, service.registry.get(name))
        answer = collection.batch(seen, service.presenters.get(name))
        return await respond(request, answer)
