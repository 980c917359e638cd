"""What of a batch a caller may see."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import orjson

from ingest.access.rights import Caller, Right
from ingest.exactjson import dump_exact, load_exact
from ingest.http.call import unknown_batch
from ingest.model import Action, Batch, Failure, Outcome
from ingest.resources.resource import Resource
from ingest.resources.secrets import has_secrets, without_secrets


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


def as_seen(outcome: Outcome, caller: Caller, resource: Resource | None) -> Outcome:
    """An outcome as the caller may see it now: without `read`, nothing of what was saved.

    That its sender had the right when it wrote, or that another token sent it, does not matter.

    Args:
        resource: that of the batch; None where it is gone.
    """
    batch = outcome.batch
    failures = failures_as_seen(outcome.failures, batch, caller, resource)
    return replace(outcome, batch=batch_as_seen(batch, caller), failures=failures)


def batch_as_seen(batch: Batch, caller: Caller) -> Batch:
    """A batch without what it saved, for a caller who may not read that.

    Nor does such a caller learn whether a value that it sends is the one that is stored.
    """
    if caller.may(Right.READ, batch.collection):
        return batch
    options = replace(batch.options, representation=False)
    updated = batch.updated + (batch.unchanged or 0)
    return replace(batch, options=options, data=None, updated=updated, unchanged=None)


def failures_as_seen(
    failures: Sequence[Failure], batch: Batch, caller: Caller, resource: Resource | None
) -> Sequence[Failure]:
    """Failures of a batch, for others than its sender without what is never shown."""
    if batch.action is Action.REVERT and not caller.may(Right.READ, batch.collection):
        # These items were not sent: their keys are what is stored.
        return [replace(failure, raw={}) for failure in failures]
    if batch.token == caller.token or (resource and not has_secrets(resource.schema)):
        return failures
    return list(_masked(failures, resource))


def _masked(failures: Iterable[Failure], resource: Resource | None) -> Iterable[Failure]:
    for failure in failures:
        raw = failure.raw
        if isinstance(raw, orjson.Fragment):
            raw = load_exact(dump_exact(raw))
        shown = None if resource is None else without_secrets(resource.schema, raw)
        yield replace(failure, raw=shown)
