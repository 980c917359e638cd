"""Applies what is pending of a collection in one round trip, where it is what it usually is.

The statement runs twice in one transaction, sent together: the first time it locks the collection
and applies nothing, so that the second sees all that was committed before the lock. Whatever is not
as usual makes it apply nothing: `group_commit` sees to that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.model import Batch, Finished
from ingest.resources.registry import Registry
from ingest.store.batches import finished_from, options_text
from ingest.store.statements import statements

if TYPE_CHECKING:
    from ingest.store.pool import Connection

_FEW = 16  # batches; where there are more, each costs little
_FEW_ITEMS = 1_000
_FEW_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Usual:
    """The kind of batches that were pending the last time."""

    sql: str
    action: str
    options: str
    layout: str


def usual_of(registry: Registry, group: Sequence[Batch]) -> Usual | None:
    """The kind of a group that was all there was; None where such a one is not applied at once."""
    first, items = group[0], sum(batch.received for batch in group)
    resource = registry.get(first.collection)
    if resource is None or first.limited or len(group) > _FEW or items > _FEW_ITEMS:
        return None
    if first.layout is None or first.layout != resource.fingerprint:
        return None
    at_once = statements(resource, first.action, first.options).at_once
    if at_once is None:
        return None
    return Usual(at_once, first.action.value, options_text(first.options), first.layout)


async def apply_at_once(
    connection: "Connection", usual: Usual, account: str, collection: str
) -> Sequence[Finished]:
    """Apply and finish all that is pending, in a transaction by itself; nothing, if it isn't usual.

    Raises:
        UniqueViolationError: an item has a conflict; nothing was done.
        NotNullViolationError: an item is not there; nothing was done.
    """
    kind = (usual.action, usual.options, usual.layout, _FEW_ITEMS, _FEW_BYTES)
    turns: list[tuple[object, ...]] = [
        (most, account, collection, [], None, *kind) for most in (0, _FEW + 1)
    ]
    rows = await connection.fetchmany(usual.sql, turns)
    return [finished_from(row) for row in rows if row["batch"] is not None]
