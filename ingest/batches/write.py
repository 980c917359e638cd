"""What a request asks for, and how its body arrives: what the pipeline is given."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol, Self
from uuid import UUID

from ingest.model import Action, Batch, IdempotencyKey, ItemChange, Options
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
