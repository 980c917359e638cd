"""Batches made and put into the database as the pipeline does, one at a time."""

from collections.abc import Iterable, Sequence
from typing import Any

from ingest.ids import uuid7
from ingest.model import (
    Action,
    AtMost,
    Chunk,
    IdempotencyKey,
    NewBatch,
    Options,
    Outcome,
    state_of,
)
from ingest.resources.resource import Resource
from ingest.settings import Settings
from ingest.store import batches, staging
from ingest.store.pool import Pool
from ingest.validation.intake import Intake
from ingest.validation.items import ItemValidator

MAX_VALUES = Settings(database_url="", redis_url="").max_values


LENIENT = Options(lenient=True)


def take_all(intake: Intake, items: Sequence[Any]) -> None:
    """Validate items, however long that takes."""
    start = 0
    while start < len(items):
        taken = intake.take(items, start)
        if not taken:
            intake.take_large(items[start])
        start += taken or 1


def chunk_of(
    validator: ItemValidator,
    items: Sequence[Any],
    options: Options = LENIENT,
    *,
    max_values: int = MAX_VALUES,
) -> Chunk:
    """The one chunk that items become."""
    intake = Intake(validator, options, max_values=max_values)
    take_all(intake, items)
    return intake.cut(last=True)


def valid_of(chunk: Chunk) -> list[int]:
    """The indices of the valid items of a batch of one chunk."""
    failed = {failure.index for failure in chunk.failures}
    return [index for index in range(chunk.received) if index not in failed]


EMPTY = Chunk(
    number=0,
    first_index=0,
    received=0,
    invalid=0,
    records=None,
    raw=None,
    failures=[],
    last=True,
    size=0,
)


def batch_of(
    chunk: Chunk = EMPTY,
    *,
    account: str = "acme",
    collection: str = "contacts",
    action: Action = Action.CREATE,
    options: Options = Options(),  # noqa: B008 - it is frozen
    key: IdempotencyKey | None = None,
    layout: str | None = None,
) -> NewBatch:
    """A batch of one chunk."""
    state = state_of(lenient=options.lenient, received=chunk.received, invalid=chunk.invalid)
    return NewBatch(
        id=uuid7(),
        account=account,
        collection=collection,
        action=action,
        options=options,
        trace_id="trace",
        chunk=chunk,
        state=state,
        key=key,
        layout=layout,
    )


def new_batch(
    resource: Resource,
    items: Iterable[Any],
    action: Action = Action.CREATE,
    options: Options = Options(),  # noqa: B008 - it is frozen
    *,
    account: str = "acme",
) -> NewBatch:
    """A batch of these items."""
    chunk = chunk_of(ItemValidator(resource, action, options), list(items), options)
    return batch_of(
        chunk,
        account=account,
        collection=resource.name,
        action=action,
        options=options,
        layout=resource.fingerprint,
    )


async def save(pool: Pool, batch: NewBatch) -> None:
    """Make one batch durable, or raise what went wrong."""
    [error] = await staging.save(pool, batch.account, [batch])
    if error is not None:
        raise error


async def outcome_of(
    pool: Pool, batch: NewBatch, at_most: int, account: str = ""
) -> Outcome | None:
    """What became of a batch, as its account or another sees it."""
    shown = AtMost(at_most, 16 * 1024 * 1024)
    [outcome] = await batches.get_outcomes(pool, account or batch.account, [batch.id], shown)
    return outcome
