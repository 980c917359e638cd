"""The items of writes are validated in turns, so that nobody has to wait for all of another."""

import asyncio
from collections.abc import Sequence
from typing import Any

from ingest.batches.streaming import Body, Chunks, chunks
from ingest.batches.write import Write
from ingest.model import Action, Submission
from ingest.slices import take_slice
from ingest.validation.chunking import Chunker
from ingest.validation.intake import Intake
from ingest.validation.items import ItemValidator


class Validating:
    """Validates what writes hold; one for each API process."""

    def __init__(self, max_values: int) -> None:
        """Args: `max_values` is the most values of one item that marshmallow looks at."""
        self.turns = asyncio.Lock()
        """Held while a piece of a stream is worked on, so that nobody waits for more than one."""
        self._long = asyncio.Lock()
        """Held while a long request is validated."""
        self._max_values = max_values
        self._validators: dict[tuple[str, Action, bool, str | None], ItemValidator] = {}

    async def submission(self, write: Write) -> Submission:
        """The items of a write, validated once; what they were decoded to is let go."""
        if write.items.validated is not None:
            return write.items.validated
        intake = Intake(self._validator(write), write.options.groups, max_values=self._max_values)
        await self._take_in(intake, write.items.decoded)
        validated = intake.submission()
        write.items.become(validated)
        return validated

    def chunks(self, write: Write, body: Body) -> Chunks:
        """The items of a body, validated while it arrives."""
        chunker = Chunker(self._validator(write), write.options, self._max_values)
        return chunks(body, chunker, self.turns)

    async def _take_in(self, intake: Intake, items: Sequence[Any]) -> None:
        start = intake.take(items)
        if start == len(items):
            return
        # One after the other: side by side, none would be ready before all of them are, and the
        # workers would have nothing to do meanwhile. Short requests get their turn in between.
        async with self._long:
            while start < len(items):
                start = await take_slice(intake, items, start)

    def _validator(self, write: Write) -> ItemValidator:
        options = write.options
        kind = (write.resource.name, write.action, options.upserts, options.matching)
        validator = self._validators.get(kind)
        if validator is None:
            validator = ItemValidator(write.resource, write.action, options)
            self._validators[kind] = validator
        return validator
