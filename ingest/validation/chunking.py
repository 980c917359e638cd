"""From the items of a stream to chunks: validated and written out while they arrive."""

from collections.abc import Sequence
from typing import Any

from ingest.exactjson import dump_exact
from ingest.model import Chunk, Failure, Options, Submission
from ingest.validation.intake import MAX_VALUES, Intake
from ingest.validation.items import ItemValidator
from ingest.validation.listing import Listing

MAX_CHUNK = 1024 * 1024
"""Bytes of records, raw items and failures after which a chunk is cut."""
# Failures take more memory than what is written of them.
_FAILURE_FACTOR = 4


class Chunker:
    """Validates items in their order, and cuts what comes of them into chunks.

    One chunk is in memory at a time: as bytes, and its failures.
    """

    def __init__(
        self, validator: ItemValidator, options: Options, max_values: int = MAX_VALUES
    ) -> None:
        """
        Args:
            validator, max_values: see `Intake`.
        """
        self._validator = validator
        self._max_values = max_values
        self._listing = Listing(validator.fields)
        self._lenient = options.lenient
        self._groups = options.groups
        self._number = 0
        self._first_index = 0
        self._size = 0
        self._records: list[bytes] = []
        self._raw: list[bytes] = []
        self._failures: list[Failure] = []
        self.received = 0
        self.invalid = 0

    @property
    def full(self) -> bool:
        """Whether the chunk should be cut."""
        return self._size >= MAX_CHUNK

    def take(self, items: Sequence[Any], start: int) -> int:
        """Validate the next items, as `Intake.take` does."""
        intake = self._intake()
        taken = intake.take(items, start)
        self._add(intake.submission())
        return taken

    def take_long(self, item: Any) -> None:
        """Validate one item, as `Intake.take_long` does."""
        intake = self._intake()
        intake.take_long(item)
        self._add(intake.submission())

    def _intake(self) -> Intake:
        return Intake(
            self._validator,
            self._groups,
            self.received,
            max_values=self._max_values,
            listing=self._listing,
        )

    def _add(self, part: Submission) -> None:
        self.received += part.received
        self.invalid += len(part.failures)
        if part.valid and (self._lenient or not self.invalid):
            self._keep(part)
        self._failures += part.failures
        self._size += _FAILURE_FACTOR * sum(map(_size, part.failures))

    def cut(self, *, last: bool = False) -> Chunk:
        """What has come together since the last cut."""
        chunk = Chunk(
            number=self._number,
            first_index=self._first_index,
            received=self.received,
            invalid=self.invalid,
            records=b"[%b]" % b",".join(self._records) if self._records else None,
            raw=b"{%b}" % b",".join(self._raw) if self._raw else None,
            failures=self._failures,
            last=last,
        )
        self._number += 1
        self._first_index = self.received
        self._size = 0
        self._records, self._raw, self._failures = [], [], []
        return chunk

    def _keep(self, part: Submission) -> None:
        # An array or object without its brackets: those of a chunk are put around all of them.
        self._records.append(part.records[1:-1])
        if part.raw is not None:
            self._raw.append(part.raw[1:-1])
        self._size += len(part.records) + len(part.raw or b"")


def submission_of(only: Chunk) -> Submission:
    """A stream of one chunk as what it is: a batch like any other."""
    failed = {failure.index for failure in only.failures}
    return Submission(
        received=only.received,
        valid=[index for index in range(only.received) if index not in failed],
        records=only.records or b"[]",
        raw=only.raw,
        failures=only.failures,
    )


def _size(failure: Failure) -> int:
    return len(dump_exact([failure.raw, [error.document() for error in failure.errors]]))
