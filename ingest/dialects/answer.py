"""What an answer says, before a dialect gives it the shape of one of the documents.

The default dialect (`collection`) makes an `Answer` of every outcome, list and error; it *is* the
document of that dialect, with the values it was made of beside it. Every other dialect is one
function, `tell`, from an answer to its own status and document.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ingest.errors import RequestError
from ingest.model import Failure, Outcome
from ingest.resources.representation import Presenter

Document = dict[str, Any]


class Kind(Enum):
    """What an answer is about."""

    WRITE = "write"
    DRY_RUN = "dry run"
    LIST = "list"
    ITEM = "item"
    BATCHES = "batches"
    BATCH = "batch"
    FAILURES = "failures"
    DIGEST = "digest"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Which part of a list is shown: `total` counts all that match."""

    limit: int
    offset: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer in the default dialect, and what it was made of."""

    kind: Kind
    status: int
    document: Document
    outcome: Outcome | None = None
    """Of a write, a dry run or a batch."""
    paging: Paging | None = None
    problem: RequestError | None = None
    presenter: Presenter | None = None
    """What shows its items."""
    row: bytes | None = None
    """Of an item: as it is stored."""
    stored: "Answer | None" = None
    """The answer that a batch got, where it is shown with it."""

    @property
    def failures(self) -> Sequence[Failure]:
        return () if self.outcome is None else self.outcome.failures

    @property
    def limit(self) -> Mapping[str, Any] | None:
        """The limit that the valid items of a failure would have passed; no error of the answer."""
        if self.outcome is None or self.document["result"] != "failure":
            return None
        return self.outcome.batch.limit

    @property
    def saved_all(self) -> bool:
        """Whether the operation did all it was asked."""
        return bool(self.document["result"] == "success")

    @property
    def codes(self) -> list[int]:
        """The code of an error, or those of the first error of each bad item; none on success."""
        if error := self.document.get("error"):
            return [error["code"]]
        return [failure.errors[0].code.code for failure in self.failures]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a dialect knows of the request besides its answer."""

    collection: str = ""
    single: bool = False
    """Whether the request carried one object, and no array."""
    extension: bool = False
    """Whether the path named the format."""
    docs: str = ""
    """Where the pages of errors are: an absolute URL without its last part."""
    minimal: bool = False
    """Whether the request prefers an answer without what was saved."""
    notifications: Sequence[str] = ()
    summaries: Mapping[str, Any] = field(default_factory=dict)

    def page(self, name: str) -> str:
        """The URL of the page of an error."""
        return f"{self.docs}{name}"


@dataclass(frozen=True, slots=True)
class Told:
    """An answer in a dialect: no document means an empty body."""

    status: int
    document: Document | None
    media_type: str | None = None
    """Its own name for JSON; None where the request decides on the format."""


Tell = Callable[[Answer, Context], Told]


class Format(Enum):
    """How a request has to say in which format it wants its answer."""

    ANY = "any way, or none"
    EXPLICIT = "an extension, or a media type in Accept"
    EXTENSION = "an extension"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One of the documents that the service speaks."""

    name: str
    tell: Tell
    format: Format = Format.ANY
    path: str | None = None
    """The root of its own paths, beside `/v1/`."""
    is_alias: bool = False
    """Whether that root has every endpoint of `/v1/`."""
    puts: bool = False
    """Whether PUT updates, as PATCH does, and single items are written at paths of their own."""
    knows_accepted: bool = True
    """Whether it has a word for a batch that is accepted and not finished (202)."""
    shows_summaries: bool = False
    """Whether it shows the summaries that a write may have changed, though none is selected."""
    waits: bool = True
    """Whether its answers wait for the commit as long as they may: only the default's do not."""
    codes: tuple[tuple[int, str], ...] = ()
    """Its codes that are those of no error, and what they mean."""
    media_type: str | None = None
    """That which names the dialect in `Accept`, where it is no parameter that does."""
