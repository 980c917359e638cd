"""What a request asks for, and how its body arrives: what the pipeline is given."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol, Self
from uuid import UUID

from ingest.model import Action, Batch, Chunk, IdempotencyKey, ItemChange, Options
from ingest.resources.resource import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A write; its items come out of a `Body`."""

    account: str
    token: UUID
    resource: Resource
    action: Action
    options: Options
    key: str | None
    """The idempotency key."""
    wait: float
    """Seconds that the answer waits for the commit; 0 answers as soon as it is accepted."""
    replay_returns: bool
    """Whether a replay is answered with the original's outcome."""
    dry_run: bool
    trace_id: str
    watched: frozenset[str] = frozenset()
    """The fields, by their names in the schema, of which the outcome says whether items of a sparse
    write carried them."""
    layout: str | None = None
    """The fingerprint of what its items are stored as, where that is not the resource's own."""

    @classmethod
    def of_batch(
        cls, batch: Batch, resource: Resource, *, token: UUID, wait: float, trace_id: str
    ) -> Self:
        """What mends a batch: its own action and options, by the token that sends the changes."""
        return cls(
            account=batch.account,
            token=token,
            resource=resource,
            action=batch.action,
            options=batch.options,
            key=None,
            wait=wait,
            replay_returns=False,
            dry_run=False,
            trace_id=trace_id,
        )


class Nothing:
    """The body of a write whose items are stored already: it undoes a batch."""

    streamed = False
    columns = None
    single = False

    def __init__(self, items: int, size: int, fingerprint: bytes) -> None:
        """
        Args:
            items: how many the batch changed.
            size: bytes of what they were before.
            fingerprint: that of the request.
        """
        self.chunk = Chunk(
            number=0,
            first_index=0,
            received=items,
            invalid=0,
            records=None,
            raw=None,
            failures=(),
            last=True,
            size=size,
        )
        self._fingerprint = fingerprint

    async def begin(self) -> None:
        """There is nothing to read."""

    async def items(self) -> AsyncGenerator[list[Any], None]:
        """There are none to validate."""
        return
        yield

    async def pause(self) -> None:
        await asyncio.sleep(0)

    async def drain(self) -> None:
        """There is nothing to read."""

    def identify(self, key: str) -> IdempotencyKey:
        return IdempotencyKey(key, self._fingerprint)


class Changes(Protocol):
    """The changes of a repair while they arrive."""

    async def begin(self) -> None:
        """As of a `Body`."""

    def items(self) -> AsyncIterator[list[ItemChange]]:
        """The changes in any order, each index once. Raises as `begin` does."""

    async def pause(self) -> None:
        """As of a `Body`."""


class Body(Protocol):
    """The body of a request while it arrives."""

    streamed: bool
    """Whether it comes in chunks, however long it is; else it is one chunk."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The columns of a CSV file, once there are items."""

    async def begin(self) -> None:
        """Read and decode its first items, which are all of one that is not streamed.

        Raises:
            MalformedBody, BodyTooLarge, TooManyItems, RequestTimeout, RateLimited: it is refused.
            TokenInvalid: the token was revoked while it arrived.
        """

    def items(self) -> AsyncIterator[list[Any]]:
        """The items in their order, as they are complete. Raises as `begin` does."""

    async def pause(self) -> None:
        """Let others have their turn in long work.

        Raises:
            MalformedBody: the client has gone.
        """

    async def drain(self) -> None:
        """Read the rest of it, for its fingerprint only. Raises as `begin` does."""

    def identify(self, key: str) -> IdempotencyKey:
        """The idempotency key with the fingerprint of what has arrived, empty until all has."""
