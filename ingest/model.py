"""The values that stages hand to each other. Frozen; nothing here does any work.

bytes → items → Chunk → NewBatch → Batch → Outcome → document
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum, StrEnum
from typing import Any, NamedTuple, Self
from uuid import UUID

from ingest.errors import ITEM_CODES, ErrorCode

MAX_LISTED_ITEMS = 10_000
"""Above this many items an answer lists neither what was saved nor which items were valid."""
MAX_KEPT = 16 * 1024 * 1024
"""Above this many bytes of them the items that were saved are not kept with their batch."""
KEPT = 16 * 1024
"""Bytes that each batch counts which is kept to be repaired, besides its items: there are not to be
any number of small ones."""
MAX_INDICES = 1_000_000
"""Above this many items a batch is shown without their indices."""


class Action(StrEnum):
    """What a batch does with its items: POST, PATCH, DELETE; and what undoes an earlier one."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REVERT = "revert"


class BatchState(StrEnum):
    """Where a batch is; docs/batches.md draws the ways between."""

    RECEIVING = "receiving"
    ACCEPTED = "accepted"
    COMMITTED = "committed"
    REJECTED = "rejected"
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        return self in (BatchState.COMMITTED, BatchState.REJECTED, BatchState.FAILED)


class ItemOutcome(StrEnum):
    """What became of a valid item. The value's letter is what `batches.outcomes` stores."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


OUTCOME_LETTERS: Mapping[str, ItemOutcome] = {
    "c": ItemOutcome.CREATED,
    "u": ItemOutcome.UPDATED,
    "n": ItemOutcome.UNCHANGED,
    "d": ItemOutcome.DELETED,
}


@dataclass(frozen=True, slots=True)
class ItemError:
    """One thing that is wrong with one item.

    `field` is the path with dots (`address.city`, `tags.1`), None when the whole item is at fault.
    """

    code: ErrorCode
    message: str
    field: str | None = None
    description: str | None = None

    def document(self) -> dict[str, Any]:
        """As answers show it, and as `failures.errors` stores it."""
        field = {} if self.field is None else {"field": self.field}
        return self.code.document(self.message, self.description, **field)

    @classmethod
    def from_document(cls, shown: Mapping[str, Any]) -> Self:
        return cls(
            ITEM_CODES[shown["code"]],
            shown["message"],
            shown.get("field"),
            shown.get("description"),
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that could not be processed: its index in the request, as received, its errors."""

    index: int
    raw: Any
    """Of a failure that was looked up to be shown: an `orjson.Fragment`, as it is stored."""
    errors: Sequence[ItemError]
    conflict: bool = False
    """Whether the item is valid by itself, and so is staged: stored data or another refuses it."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An element of a body that no item could be made of: what was received, and why.

    Decoders hand it on in the item's place, and validation makes it a `Failure`.
    """

    raw: Any
    errors: Sequence[ItemError]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """An item with texts that a decoder has rewritten to what the schema reads.

    It is validated as `item`, and shown as `raw` where it fails.
    """

    raw: Mapping[str, Any]
    """As it was received."""
    item: dict[str, Any]
    errors: Sequence[ItemError]
    """What of it could not be rewritten: a field of that name holds what none would take."""


class Dropped(Enum):
    """Stands in a repair for an item that is left out."""

    DROPPED = "dropped"


DROPPED = Dropped.DROPPED


@dataclass(frozen=True, slots=True)
class ItemChange:
    """What a repair makes of the item at an index: another one, or none."""

    index: int
    item: Any
    """As a decoder hands it on; `DROPPED` where the batch is to go without it."""


class Resolution(StrEnum):
    """What POST does with an item that exists already (`Prefer: resolution=`)."""

    REFUSE = "refuse"
    MERGE = "merge-duplicates"
    REPLACE = "replace"
    IGNORE = "ignore-duplicates"

    @property
    def updates(self) -> bool:
        """Whether the stored item becomes what is sent, in part or as a whole."""
        return self in (Resolution.MERGE, Resolution.REPLACE)


@dataclass(frozen=True, slots=True)
class Selection:
    """What an answer shows of items (`select`)."""

    meta: bool = False
    """Whether items carry their `meta`."""
    hidden: frozenset[str] = frozenset()
    """The fields that are left out, by the names that clients use."""


EVERY_FIELD = Selection()


@dataclass(frozen=True, slots=True)
class Options:
    """What a write was asked to do, besides its items."""

    representation: bool = True
    """Whether the answer carries the saved items (`Prefer: return=`)."""
    select: Selection = EVERY_FIELD
    """What it shows of those."""
    lenient: bool = False
    """Whether valid items are saved although others are not (`Prefer: handling=`)."""
    resolution: Resolution = Resolution.REFUSE
    matching: str | None = None
    """The field that finds the stored item in place of the key, by its name in the schema."""
    groups: tuple[str, ...] = ()
    """What the sender is confined to: items of other groups are refused. None for everything."""
    columns: tuple[str, ...] | None = None
    """The columns of a CSV body, in their order: failed rows are shown under them."""
    empty_as_null: bool = False
    """Whether an empty cell of a CSV body is null."""
    rewritten: bool = False
    """Whether texts of a CSV body were rewritten, as its query says, before they were validated."""
    repair: bool = False
    """Whether what was received is kept to be repaired, where it is refused for its items."""
    undo: bool = False
    """Whether before-images are kept of the items that it changes or deletes."""
    reverts: UUID | None = None
    """The batch that it undoes."""

    @property
    def upserts(self) -> bool:
        """Whether an item that exists already is no error."""
        return self.resolution is not Resolution.REFUSE

    def of_size(self, items: int) -> Self:
        """The options of a batch of so many items: what is too long to be listed is not read."""
        if items <= MAX_LISTED_ITEMS or not self.representation:
            return self
        return replace(self, representation=False)

    def document(self) -> dict[str, Any]:
        """As `batches.options` stores it."""
        stored = {name: getattr(self, name) for name in _OPTIONS} | {"meta": self.select.meta}
        if self.select.hidden:
            stored["hidden"] = sorted(self.select.hidden)
        if not self.groups:
            del stored["groups"]
        if self.reverts is not None:
            stored["reverts"] = str(self.reverts)
        for name in ("empty_as_null", "rewritten", "repair", "undo", "reverts"):
            if not stored[name]:
                del stored[name]
        return stored

    @classmethod
    def from_document(cls, stored: Mapping[str, Any]) -> Self:
        given = {name: stored[name] for name in _OPTIONS if name in stored}
        columns, reverts = stored.get("columns"), stored.get("reverts")
        return cls(
            **{
                **given,
                "select": Selection(stored.get("meta", False), frozenset(stored.get("hidden", ()))),
                "resolution": Resolution(stored["resolution"]),
                "groups": tuple(stored.get("groups", ())),
                "columns": None if columns is None else tuple(columns),
                "reverts": None if reverts is None else UUID(reverts),
            }
        )


_OPTIONS = tuple(each.name for each in fields(Options) if each.name != "select")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a batch, validated: what is staged of it, and its failures.

    `received` and `invalid` count the items of the batch up to the chunk's end; `first_index` is
    the index of its first item. `records` is a JSON array of the valid items as their columns want
    them (see `ingest.resources.records`), and `raw` a JSON object, by index, of those whose
    received form differs from their record. Both are None where nothing is to be staged.
    """

    number: int
    first_index: int
    received: int
    invalid: int
    records: bytes | None
    raw: bytes | None
    failures: Sequence[Failure]
    last: bool
    size: int
    """Bytes that are staged."""
    failed: int = 0
    """Bytes of the failures of a stream, as far as they are weighed."""
    carried: frozenset[str] = frozenset()
    """Of the fields that are watched, those that an item up to the chunk's end carried."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A client's key for one write and the fingerprint (32 bytes) of that request.

    The fingerprint is empty for as long as the request is still arriving.
    """

    key: str
    fingerprint: bytes = b""
    keep: dt.timedelta | None = None
    """How long it is kept after its batch has finished; None for as long as the settings say."""


def state_of(*, lenient: bool, received: int, invalid: int) -> BatchState:
    """What validation makes of a batch: strict with a bad item, or without a good one, rejected."""
    rejected = invalid and (not lenient or invalid == received)
    return BatchState.REJECTED if rejected else BatchState.ACCEPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBatch:
    """A batch on its way into the database, with its first chunk."""

    id: UUID
    account: str
    collection: str
    action: Action
    options: Options
    trace_id: str
    chunk: Chunk
    state: BatchState
    token: UUID | None = None
    """The token that sends it."""
    key: IdempotencyKey | None = None
    layout: str | None = None
    """The fingerprint of what its records mean (`ingest.resources.layout`)."""
    refusal: Mapping[str, Any] | None = None
    """Of a rejected one: the limit that its valid items would have passed."""
    kept: bool = False
    """Of a rejected one: whether it is kept to be repaired."""

    @property
    def is_whole(self) -> bool:
        """Whether its chunk is all of it."""
        return self.chunk.last and not self.chunk.number

    @property
    def is_staged(self) -> bool:
        """Whether its items, and its key, stay once it is settled."""
        return self.state is BatchState.ACCEPTED or self.kept

    def outcome(self, failures: Sequence[Failure]) -> "Outcome":
        """What is known of it while, or where, the database is not read back."""
        now = dt.datetime.now(dt.UTC)
        batch = Batch(
            id=self.id,
            account=self.account,
            collection=self.collection,
            action=self.action,
            options=self.options,
            state=self.state,
            received=self.chunk.received,
            invalid_count=self.chunk.invalid,
            invalid=[failure.index for failure in self.chunk.failures],
            created_at=now,
            accepted_at=now if self.state is BatchState.ACCEPTED else None,
            finished_at=now if self.state is BatchState.REJECTED else None,
            token=self.token,
            layout=self.layout,
            error=self.refusal,
            kept=self.kept,
        )
        return Outcome(batch, failures)

    @property
    def is_counted(self) -> bool:
        """Whether its counts are all that is to be known of it, once it is saved whole."""
        return not self.chunk.invalid and not self.options.representation

    def committed(self, counts: "Counts") -> "Outcome":
        """Its outcome where it was saved whole."""
        accepted = self.outcome(()).batch
        state, now = BatchState.COMMITTED, dt.datetime.now(dt.UTC)
        return Outcome(replace(accepted, state=state, finished_at=now, **counts._asdict()))


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as the database knows it."""

    id: UUID
    account: str
    collection: str
    action: Action
    options: Options
    state: BatchState
    received: int
    invalid_count: int
    invalid: Sequence[int]
    """Indices of the invalid items; none as yet while it is received."""
    created_at: dt.datetime
    accepted_at: dt.datetime | None
    finished_at: dt.datetime | None
    created: int = 0
    updated: int = 0
    unchanged: int | None = 0
    """None where they are among those that were updated, for who may not know."""
    deleted: int = 0
    outcomes: str | None = None
    data: bytes | None = None
    error: Mapping[str, Any] | None = None
    """Why the whole batch failed: for a reason of the service's own, or because of a limit. Of one
    that failed for its items: the limit that the others would have passed."""
    payload_bytes: int = 0
    token: UUID | None = None
    """The token that sent it; None for batches of before tokens were kept."""
    layout: str | None = None
    """The fingerprint of what its records mean; None where an earlier version accepted it."""
    limited: bool = False
    """Whether its account has quotas, where it was read to be applied or to be answered."""
    kept: bool = False
    """Whether what was received of it is kept to be repaired."""
    repairs: int = 0
    """How often it was repaired."""
    dropped: Sequence[int] = ()
    """Indices of the items that a repair left out."""

    @property
    def attempt(self) -> int:
        """1 as it was sent, and one more for each repair."""
        return self.repairs + 1

    @property
    def valid_count(self) -> int:
        """How many of its items are neither invalid nor dropped."""
        return self.received - self.invalid_count - len(self.dropped)

    @property
    def failed_for_items(self) -> bool:
        """Whether invalid items are why nothing was saved."""
        if self.state is BatchState.REJECTED:
            return True
        strict = not self.options.lenient
        return self.state is BatchState.FAILED and strict and self.invalid_count > 0

    @property
    def stopped(self) -> Mapping[str, Any] | None:
        """The error that is why nothing was saved; None where items are why."""
        return None if self.failed_for_items else self.error

    @property
    def limit(self) -> Mapping[str, Any] | None:
        """The limit that the valid items of a batch would have passed which failed for others."""
        return self.error if self.failed_for_items else None

    @property
    def changed(self) -> int:
        """How many items it created, updated or deleted; none before it is committed."""
        return self.created + self.updated + self.deleted


class Counts(NamedTuple):
    """How many items a batch changed, and found as they were sent."""

    created: int
    updated: int
    unchanged: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a batch that a worker has finished, and who had sent it."""

    batch: UUID
    account: str
    token: UUID | None
    trace_id: str
    collection: str
    action: str
    state: BatchState
    received: int
    invalid: int
    """How many items are invalid."""
    created: int
    updated: int
    unchanged: int
    deleted: int
    repairs: int = 0
    """How often it was repaired before: above 0, this is what came of a repair."""

    @property
    def counts(self) -> Counts:
        return Counts(self.created, self.updated, self.unchanged, self.deleted)

    def facts(self) -> dict[str, Any]:
        """As the log shows it."""
        repaired = {"repairs": self.repairs} if self.repairs else {}
        return {
            "batch": str(self.batch),
            "account": self.account,
            "token": self.token and str(self.token),
            "trace_id": self.trace_id,
            "collection": self.collection,
            "action": self.action,
            "state": self.state.value,
            "received": self.received,
            "invalid": self.invalid,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "deleted": self.deleted,
            **repaired,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """A batch and, where it has them, its failures: what a response is made of."""

    batch: Batch
    failures: Sequence[Failure] = ()
    replayed: bool = False
    """Whether this is the outcome of an earlier request with the same idempotency key."""
    carried: frozenset[str] | None = None
    """Of the fields that the request watches, those that its items carried; None where it watches
    none, and of what is read again."""


class AtMost(NamedTuple):
    """How much of a list is shown; one of it is, however large."""

    items: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a collection: rows as JSON objects by column, and how many there are in all."""

    rows: Sequence[bytes]
    limit: int
    offset: int
    total: int
    last: Any = None
    """The key of its last row, where others follow."""
    skipped: bool = False
    """Whether it goes on behind a key, so that `offset` does not say where it begins."""

    @property
    def rest(self) -> int | None:
        """Where what was left out of it begins, because it would be too large; else None."""
        end = self.offset + len(self.rows)
        cut = self.rows and end < min(self.total, self.offset + self.limit)
        return end if cut and not self.skipped else None
