"""What of a batch a caller may see."""

from dataclasses import replace

from ingest.access.rights import Caller, Right
from ingest.http.call import unknown_batch
from ingest.model import Batch, Outcome


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
