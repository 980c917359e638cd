"""The values that stages hand to each other. Frozen; nothing here does any work.

bytes → raw items → Submission → Batch → Outcome → document
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from ingest.errors import ITEM_CODES, ErrorCode

MAX_LISTED_ITEMS = 10_000
"""Above this many items an answer lists neither what was saved nor which items were valid."""


class Action(StrEnum):
    """What a batch does with its items: POST, PATCH, DELETE."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


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
        """As the contract shows it, and as `failures.errors` stores it."""
        shown: dict[str, Any] = {
            "type": self.code.type,
            "code": self.code.code,
            "name": self.code.name,
            "message": self.message,
        }
        if self.description is not None:
            shown["description"] = self.description
        if self.field is not None:
            shown["field"] = self.field
        return shown

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


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An element of a body that no item could be made of: what was received, and why.

    Decoders hand it on in the item's place, and validation makes it a `Failure`.
    """

    raw: Any
    errors: Sequence[ItemError]


class Resolution(StrEnum):
    """What POST does with an item that exists already (`Prefer: resolution=`)."""

    REFUSE = "refuse"
    MERGE = "merge-duplicates"
    IGNORE = "ignore-duplicates"


@dataclass(frozen=True, slots=True)
class Options:
    """What a write was asked to do, besides its items."""

    representation: bool = True
    """Whether the answer carries the saved items (`Prefer: return=`)."""
    meta: bool = False
    """Whether those carry their `meta` (`select=meta`)."""
    lenient: bool = False
    """Whether valid items are saved although others are not (`Prefer: handling=`)."""
    resolution: Resolution = Resolution.REFUSE
    matching: str | None = None
    """The field that finds the stored item in place of the key, by its name in the schema."""
    groups: tuple[str, ...] = ()
    """What the sender is confined to: items of other groups are refused. None for everything."""
    columns: tuple[str, ...] | None = None
    """The columns of a CSV body, in their order: failed rows are shown under them."""

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
        stored = {name: getattr(self, name) for name in _OPTIONS}
        if not self.groups:
            del stored["groups"]
        return stored

    @classmethod
    def from_document(cls, stored: Mapping[str, Any]) -> Self:
        columns = stored.get("columns")
        return cls(
            **{
                **stored,
                "resolution": Resolution(stored["resolution"]),
                "groups": tuple(stored.get("groups", ())),
                "columns": None if columns is None else tuple(columns),
            }
        )


_OPTIONS = tuple(each.name for each in fields(Options))


@dataclass(frozen=True, slots=True)
class Submission:
    """Validated items, ready to be staged.

    `records` is a JSON array of the valid items as their columns want them (see
    `ingest.resources.records`); `raw` is a JSON object of those items whose received form differs
    from their record, by index, or None.
    """

    received: int
    valid: Sequence[int]
    records: bytes
    raw: bytes | None
    failures: Sequence[Failure]

    @property
    def counts(self) -> tuple[int, int]:
        """How many items are valid, and how many are not."""
        return len(self.valid), len(self.failures)

    @property
    def size(self) -> int:
        """Bytes that are staged."""
        return len(self.records) + len(self.raw or b"")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a stream, validated; `records` and `raw` are those of a `Submission`.

    `received` and `invalid` count the items of the stream up to its end, and `first_index` is that
    of its first item.
    """

    number: int
    first_index: int
    received: int
    invalid: int
    records: bytes | None
    raw: bytes | None
    failures: Sequence[Failure]
    last: bool

    @property
    def size(self) -> int:
        """Bytes that are staged."""
        return len(self.records or b"") + len(self.raw or b"")


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A client's key for one write and the fingerprint (32 bytes) of that request.

    The fingerprint is empty for as long as the request is still arriving.
    """

    key: str
    fingerprint: bytes = b""


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch on its way into the database."""

    id: UUID
    account: str
    collection: str
    action: Action
    options: Options
    trace_id: str
    submission: Submission
    token: UUID | None = None
    """Whose it is."""
    idempotency: IdempotencyKey | None = None
    receiving: bool = False
    """Whether its items are yet to come."""

    @property
    def state(self) -> BatchState:
        """Validation may have decided already: strict with a bad item, or no good one."""
        if self.receiving:
            return BatchState.RECEIVING
        failures = self.submission.failures
        bad = failures and (not self.options.lenient or not self.submission.valid)
        return BatchState.REJECTED if bad else BatchState.ACCEPTED


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
    invalid: Sequence[int]
    created_at: dt.datetime
    accepted_at: dt.datetime | None
    finished_at: dt.datetime | None
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    outcomes: str | None = None
    data: bytes | None = None
    error: Mapping[str, Any] | None = None
    """Why the whole batch failed: for a reason of the service's own, or because of a limit."""
    invalid_so_far: int = 0
    """How many items are invalid, while it is received; `invalid` names them once it is not."""
    token: UUID | None = None
    """The token that sent it; None for batches of before tokens were kept."""
    limited: bool = False
    """Whether its account has quotas, where it was read to be applied or to be answered."""

    @property
    def invalid_count(self) -> int:
        return self.invalid_so_far or len(self.invalid)

    @property
    def valid_count(self) -> int:
        return self.received - self.invalid_count

    @property
    def valid(self) -> list[int]:
        """Indices of the valid items, ascending."""
        invalid = set(self.invalid)
        return [index for index in range(self.received) if index not in invalid]


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

    def facts(self) -> dict[str, Any]:
        """As the log shows it."""
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
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """A batch and, where it has them, its failures: what a response is made of."""

    batch: Batch
    failures: Sequence[Failure] = ()
    replayed: bool = False
    """Whether this is the outcome of an earlier request with the same idempotency key."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a collection: rows as JSON objects by column, and how many there are in all."""

    rows: Sequence[bytes]
    limit: int
    offset: int
    total: int
