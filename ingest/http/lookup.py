"""What the path of a request names."""

from dataclasses import replace
from uuid import UUID

from aiohttp import web

from ingest.access.rights import Right
from ingest.errors import UnknownBatch, UnknownCollection
from ingest.http.keys import CALLER, REGISTRY
from ingest.model import Batch, Outcome
from ingest.resources.resource import Resource


def resource_of(request: web.Request) -> Resource:
    """The resource of `{collection}` in the path.

    Raises:
        UnknownCollection
    """
    registry, name = request.app[REGISTRY], request.match_info["collection"]
    if name not in registry:
        raise UnknownCollection(
            f"There is no collection {name[:100]!r}", f"Served here: {', '.join(registry)}."
        )
    return registry[name]


def permitted_resource(request: web.Request, *rights: Right) -> Resource:
    """The resource of `{collection}` in the path, on which the caller has these rights.

    Raises:
        UnknownCollection
        NotPermitted: names a right that is missing.
    """
    resource = resource_of(request)
    request[CALLER].needs(rights, resource.name)
    return resource


def check_visible(request: web.Request, batch: Batch) -> None:
    """Refuse a batch that the caller may not see: of other groups, or of what it may not read.

    Raises:
        UnknownBatch: its sender could reach items that the caller cannot.
        NotPermitted: somebody else sent it, and the caller may not read its collection.
    """
    caller = request[CALLER]
    if not caller.shares(batch.options.groups):
        raise unknown_batch(str(batch.id))
    if batch.token != caller.token:
        caller.needs([Right.READ], batch.collection)


def as_seen(request: web.Request, outcome: Outcome) -> Outcome:
    """An outcome as the caller may see it now: without `read`, nothing of what was saved.

    That its sender had the right when it wrote, or that somebody else sent it, does not matter.
    """
    batch = outcome.batch
    if request[CALLER].may(Right.READ, batch.collection):
        return outcome
    options = replace(batch.options, representation=False)
    return replace(outcome, batch=replace(batch, options=options, data=None))


def batch_id_of(request: web.Request) -> UUID:
    """The batch id in the path.

    Raises:
        UnknownBatch: it is no UUID.
    """
    text = request.match_info["batch"]
    try:
        return UUID(text)
    except ValueError:
        raise unknown_batch(text) from None


def unknown_batch(text: str) -> UnknownBatch:
    return UnknownBatch(
        f"There is no batch {text[:100]!r}", "Batches of other accounts are unseen."
    )
