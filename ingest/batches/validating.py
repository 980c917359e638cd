"""Validating in turns: while a long request is validated, short ones are not kept waiting."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from ingest.batches.write import Body, Write
from ingest.model import Action, Chunk
from ingest.validation.intake import Intake
from ingest.validation.items import ItemValidator

Chunks = AsyncGenerator[Chunk, None]


class Validating:
    """Validates the items of writes; one for each API process."""

    def __init__(self, max_values: int) -> None:
        """Args: `max_values` is the most values that one item may hold."""
        self._max_values = max_values
        # Side by side, long requests would all be ready late, and workers idle until then.
        self._turn = asyncio.Lock()
        self._validators: dict[tuple[str, Action, bool, str | None], ItemValidator] = {}

    async def chunks(self, write: Write, body: Body) -> Chunks:
        """The items of a body, validated as they arrive; the last chunk is marked."""
        intake = Intake(self._validator(write), write.options, max_values=self._max_values)
        async for items in body.items():
            await self._take(intake, items)
            if body.streamed and intake.full:
                yield intake.cut()
        yield intake.cut(last=True)

    async def _take(self, intake: Intake, items: Sequence[Any]) -> None:
        taken = intake.take(items)
        if taken == len(items):
            return
        async with self._turn:
            while taken < len(items):
                await asyncio.sleep(0)  # others run in between
                if step := intake.take(items, taken):
                    taken += step
                    continue
                await asyncio.to_thread(intake.take_large, items[taken])
                taken += 1

    def _validator(self, write: Write) -> ItemValidator:
        options = write.options
        kind = (write.resource.name, write.action, options.upserts, options.matching)
        validator = self._validators.get(kind)
        if validator is None:
            validator = ItemValidator(write.resource, write.action, options)
            self._validators[kind] = validator
        return validator
