"""What of the API a caller may use and see."""

from dataclasses import replace

from ingest.access.rights import Caller, Right
from ingest.errors import UnknownCollection
from ingest.http.request import Call, unknown_batch
from ingest.model import Batch, Outcome
from ingest.resources.registry import Registry
from ingest.resources.resource import Resource


def permitted_resource(call: Call, registry: Registry, caller: Caller, right: Right) -> Resource:
    """The resource that the path names, on which the caller has a right.

    Raises:
        UnknownCollection
        NotPermitted: names the right.
    """
    if call.resource is None:
        raise UnknownCollection(
            f"There is no collection {call.collection[:100]!r}",
            f"Served here: {', '.join(registry)}.",
        )
    caller.needs(right, call.resource.name)
    return call.resource


def check_visible(batch: Batch, caller: Caller) -> None:
    """Refuse a batch that the caller may not see: of other groups, or of what it may not read.

    Raises:
        UnknownBatch: its sender could reach items that the caller cannot.
        NotPermitted: another token sent it, and the caller may not read its collection.
    """
    if not caller.shares(batch.options.groups):
        raise unknown_batch(str(batch.id))
    if batch.token != caller.token:
        caller.needs(Right.READ, batch.collection)


def as_seen(outcome: Outcome, caller: Caller) -> Outcome:
    """An outcome as the caller may see it now: without `read`, nothing of what was saved.

    That its sender had the right when it wrote, or that another token sent it, does not matter.
    """
    batch = outcome.batch
    if caller.may(Right.READ, batch.collection):
        return outcome
    options = replace(batch.options, representation=False)
    return replace(outcome, batch=replace(batch, options=options, data=None))
