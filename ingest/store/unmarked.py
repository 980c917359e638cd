"""Batches that carry no layout, because a version from before layouts has accepted them. Pure.

Their records name the columns of what they hold. Sparse ones, however, say by number which fields
they carry, and number them as a schema does that need not be ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from ingest.model import Action, Batch, Resolution
from ingest.resources.layout import Layout


@dataclass(frozen=True, slots=True)
class Named:
    """What the records of a batch say of the schema that they were made with."""

    columns: Sequence[str]
    """Every column that a record names."""
    sparse: bool
    counted: bool
    """Whether each carries as many fields as it names columns."""
    same: bool
    """Whether its fields can be numbered as ours."""


class Verdict(Enum):
    """What such records mean."""

    OURS = "ours"
    BY_NAME = "by name"
    """What they name is what they carry; they may name columns that our schema lacks."""
    UNKNOWN = "unknown"


def always_carried(own: Layout, batch: Batch) -> list[bool]:
    """Of each of our fields, whether every item of such a batch carries it, be it nothing."""
    return [_replaces(batch) and not field.field.dump_only for field in own.fields]


def carries_what_it_names(own: Layout, batch: Batch) -> bool:
    """Whether records name nothing more, such as what their schema has filled in."""
    return batch.action is Action.UPDATE and not own.loads_objects


def judge(own: Layout, batch: Batch, named: Named) -> Verdict:
    """What the records of such a batch mean to a process whose schema is `own`."""
    known = set(named.columns) <= {field.column for field in own.fields}
    if known and (not named.sparse or named.same):
        return Verdict.OURS
    if not named.sparse:
        return Verdict.BY_NAME
    return Verdict.BY_NAME if named.counted and not _replaces(batch) else Verdict.UNKNOWN


def _replaces(batch: Batch) -> bool:
    return batch.action is Action.CREATE and batch.options.resolution is Resolution.REPLACE
