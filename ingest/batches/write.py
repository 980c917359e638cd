"""A write as a request asks for it, and the batch that it becomes. Pure."""

import datetime as dt
from dataclasses import dataclass, replace
from uuid import UUID

from ingest.batches.items import Items
from ingest.batches.streaming import Body
from ingest.model import (
    Action,
    Batch,
    BatchState,
    Chunk,
    IdempotencyKey,
    NewBatch,
    Options,
    Outcome,
    Submission,
)
from ingest.resources.resource import Resource
from ingest.validation.chunking import submission_of


@dataclass(frozen=True, slots=True)
class Write:
    """A write. `wait` is in seconds; 0 answers as soon as it is accepted.

    Its items are here, or still to come out of a `Body`.
    """

    account: str
    resource: Resource
    action: Action
    items: Items
    options: Options
    wait: float
    replay_returns: bool
    trace_id: str
    token: UUID | None = None
    key: IdempotencyKey | None = None


def new_batch(write: Write, batch_id: UUID, submission: Submission) -> NewBatch:
    return NewBatch(
        id=batch_id,
        account=write.account,
        collection=write.resource.name,
        action=write.action,
        options=write.options.of_size(submission.received),
        trace_id=write.trace_id,
        submission=submission,
        token=write.token,
        idempotency=write.key,
    )


def new_stream(write: Write, batch_id: UUID, body: Body) -> NewBatch:
    """A batch whose items are yet to come."""
    nothing = Submission(received=0, valid=[], records=b"[]", raw=None, failures=[])
    batch = new_batch(described(write, body), batch_id, nothing)
    return replace(batch, idempotency=None, receiving=True)


def whole(write: Write, body: Body, only: Chunk) -> Write:
    """The write of a body that was short enough to be one chunk."""
    write = identified(described(write, body), body)
    return replace(write, items=Items(validated=submission_of(only)))


def described(write: Write, body: Body) -> Write:
    """The write with what its body has told about itself."""
    return replace(write, options=replace(write.options, columns=body.columns))


def identified(write: Write, body: Body) -> Write:
    """The write with the fingerprint of its body, which has been read to its end."""
    if write.key is None:
        return write
    return replace(write, key=IdempotencyKey(write.key.key, body.fingerprint()))


def outcome_of(batch: NewBatch, at_most: int) -> Outcome:
    """What was just written, with `at_most` failures, and without reading it back."""
    state = batch.state
    now = dt.datetime.now(dt.UTC)
    failures = batch.submission.failures
    written = Batch(
        id=batch.id,
        account=batch.account,
        collection=batch.collection,
        action=batch.action,
        options=batch.options,
        state=state,
        received=batch.submission.received,
        invalid=[failure.index for failure in failures],
        created_at=now,
        accepted_at=now if state is BatchState.ACCEPTED else None,
        finished_at=now if state is BatchState.REJECTED else None,
        token=batch.token,
    )
    return Outcome(written, failures[:at_most])
