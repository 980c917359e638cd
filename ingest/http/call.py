"""A request without its body, as one frozen value; `request.py` makes it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from aiohttp import web

from ingest.access.rights import Right
from ingest.describe.json_schema import Kind
from ingest.dialects.answer import Dialect, Format
from ingest.errors import RequestError, UnknownBatch
from ingest.formats.negotiation import JSON, RESPONSES
from ingest.http.headers import BodyHead
from ingest.http.preferences import Preferences
from ingest.http.roots import ALIASES, API
from ingest.model import EVERY_FIELD, Selection
from ingest.resources.layout import StoredField
from ingest.resources.lists import DEFAULT_LIMIT
from ingest.resources.resource import Resource
from ingest.store.batch_filter import ALL_BATCHES, BatchFilter


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a handler takes besides its path."""

    right: Right | None = None
    """What the caller must be allowed in the collection; None where the path names none."""
    any_right: bool = False
    """Whether any right in the collection that the path names will do."""
    parameters: frozenset[str] = frozenset()
    formats: tuple[str, ...] = RESPONSES
    """The media types that it answers in."""
    files: tuple[str, ...] = ()
    """More of them, which hold no document of any dialect: only the default one has them."""
    body: bool = False
    token_in_body: bool = False
    """Whether the handler finds out by itself who calls."""
    puts: bool = False
    """Whether only dialects have it that are so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request without its body."""

    trace_id: str
    """32 hexadecimal digits: that of `traceparent`, or a new one."""
    method: str
    path: str
    query: str
    host: str
    """Empty where HTTP/1.0 names none."""
    client: str
    """The address that it comes from."""
    of_api: bool
    """Whether its path is one of the API's, or of nothing."""
    endpoint: Endpoint | None
    """What the API has there for its method, if it has."""
    credentials: tuple[str, ...]
    """The `Authorization` headers."""
    collection: str = ""
    resource: Resource | None = None
    item: str = ""
    """The key of an item in the path, as text."""
    batch: str = ""
    """The id of a batch in the path, as text."""
    media_type: str | None = JSON
    """Of the answer; None where the request admits none that there is."""
    named_by: Format = Format.ANY
    """How the request names that media type."""
    named: str | None = None
    """The media type that `Accept` names, where a range in it admits a better one."""
    dialect: Dialect | None = None
    """The one that `Accept` names."""
    unknown_dialect: bool = False
    """Whether `Accept` names dialects that do not exist, and nothing else."""
    path_dialect: Dialect | None = None
    """The one whose path it is."""
    preferences: Preferences = field(default_factory=Preferences)
    idempotency_key: str | None = None
    head: BodyHead = field(default_factory=BodyHead)
    dry_run: bool = False
    matching: str | None = None
    """The field that finds stored items in place of the key, by its name in the schema."""
    select: Selection = EVERY_FIELD
    """What is shown of items."""
    summaries: tuple[str, ...] = ()
    """The summaries that are shown beside them."""
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    filters: tuple[tuple[StoredField, Sequence[Any]], ...] = ()
    after: Any = None
    """The key behind which a list goes on."""
    """Fields and the values that they must equal, as the database takes them."""
    batches: BatchFilter = ALL_BATCHES
    """The idempotency key of the batch that is wanted of a list."""
    schema_for: Kind = Kind.CREATE
    """What of the collection a schema is wanted of."""
    problem: RequestError | None = None
    """What of its headers or query cannot be read."""

    @property
    def root(self) -> str:
        """The root under which the path asks for collections."""
        return next(filter(self.path.startswith, ALIASES), API)

    @property
    def place(self) -> str:
        """The path without what it says of the answer: its dialect and its format."""
        root = self.root
        path = self.path if root == API else API + self.path.removeprefix(root)
        return path.rpartition(".")[0] if self.named_by is Format.EXTENSION else path

    @property
    def batch_id(self) -> UUID:
        """The batch id of the path.

        Raises:
            UnknownBatch: it is no UUID.
        """
        try:
            return UUID(self.batch)
        except ValueError:
            raise unknown_batch(self.batch) from None


CALL = web.RequestKey("call", Call)
RESOURCE = web.RequestKey("resource", Resource)
"""That of the collection in the path, which the caller may use."""


def unknown_batch(text: str) -> UnknownBatch:
    return UnknownBatch(
        f"There is no batch {text[:100]!r}", "Batches of other accounts are not shown."
    )
