"""Who may use an idempotency key: asked in Redis, decided in PostgreSQL."""

import datetime as dt
from uuid import UUID

from ingest.batches.idempotency import Keys, Phase
from ingest.errors import InProgress, KeyMismatch
from ingest.model import IdempotencyKey
from ingest.store import batches
from ingest.store.pool import Pool


class Claims:
    """The keys of writes, each with what became of the batch that holds it."""

    def __init__(self, pool: Pool, keys: Keys, keep: dt.timedelta) -> None:
        """Args: `keep`: how long a used key is kept."""
        self._pool = pool
        self._keys = keys
        self._keep = keep

    async def claim(self, account: str, key: IdempotencyKey | None, batch: UUID) -> UUID | None:
        """Take the key for a batch to be; returns the batch that has it where it was used before.

        Raises:
            InProgress: a request in flight holds it.
            KeyMismatch: it was used for another request.
        """
        if key is None:
            return None
        holder = await self._keys.claim(account, key, batch)
        if holder is None:
            return None
        original = await self.original(account, key)
        if original is not None:
            return original
        if holder.phase is Phase.IN_FLIGHT:
            # A stream's fingerprint is not known while it arrives.
            if holder.fingerprint and key.fingerprint and holder.fingerprint != key.fingerprint:
                raise _mismatch()
            raise in_progress()
        # Redis remembers a batch that PostgreSQL has freed: it failed, or was forgotten.
        await self._keys.forget(account, key, holder)
        return await self.claim(account, key, batch)

    async def original(self, account: str, key: IdempotencyKey | None) -> UUID | None:
        """The batch that holds a key in PostgreSQL.

        Raises:
            KeyMismatch: it was used for another request, as far as this one is known.
        """
        if key is None:
            return None
        found = await batches.find_by_key(self._pool, account, key.key, self._keep)
        if found is None:
            return None
        original, fingerprint = found
        if key.fingerprint and fingerprint != key.fingerprint:
            raise _mismatch()
        return original

    async def end(
        self,
        account: str,
        claimed: IdempotencyKey | None,
        batch: UUID,
        accepted: IdempotencyKey | None,
    ) -> None:
        """End a claim.

        Args:
            claimed: what was claimed.
            accepted: the same, with its fingerprint, where the batch is durable now; None frees it.
        """
        if claimed is None:
            return
        if accepted is None:
            await self._keys.release(account, claimed, batch)
        else:
            await self._keys.accepted(account, accepted, batch, claimed=claimed)


def in_progress() -> InProgress:
    return InProgress(
        "A request with this Idempotency-Key is in flight",
        "Wait, and send the same request again.",
        retry_after=1,
    )


def _mismatch() -> KeyMismatch:
    return KeyMismatch(
        "This Idempotency-Key was used for a different request",
        "Method, path, query, content type and body must be the same; use another key for "
        "another request.",
    )
