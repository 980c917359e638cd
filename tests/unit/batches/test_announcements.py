"""What is announced of finished batches, between this version and earlier ones."""

from uuid import UUID

import pytest

from ingest.batches.announcements import Announced, announced, decoded, encoded, ids_of
from ingest.ids import uuid7
from ingest.model import BatchState, Counts, Finished

COUNTS = Counts(created=1, updated=2**31 - 1, unchanged=0, deleted=4)


def finished(state: BatchState = BatchState.COMMITTED, invalid: int = 0) -> Finished:
    return Finished(
        batch=uuid7(),
        account="acme",
        token=None,
        trace_id="",
        collection="contacts",
        action="create",
        state=state,
        received=5,
        invalid=invalid,
        **COUNTS._asdict(),
    )


@pytest.mark.parametrize("size", range(4))
def test_what_is_sent_is_received(size: int) -> None:
    batches = [Announced(uuid7(), COUNTS if number % 2 else None) for number in range(size)]
    assert decoded(encoded(batches)) == batches


@pytest.mark.parametrize("size", range(6))
def test_ids_alone_are_received(size: int) -> None:
    batches = [Announced(uuid7()) for _ in range(size)]
    assert decoded(ids_of(batches)) == batches


def test_earlier_versions_find_the_ids() -> None:
    batches = [Announced(uuid7(), COUNTS) for _ in range(3)]
    message = encoded(batches)
    rows = [UUID(bytes=message[start : start + 16]) for start in range(0, len(message), 16)]
    assert rows[:3] == [each.batch for each in batches]
    assert len(message) % 16 == 0


@pytest.mark.parametrize("message", [b"x", b"\xff" * 17, b'["acme", 7]'])
def test_what_is_not_ours_is_nothing(message: bytes) -> None:
    assert decoded(message) == []


def test_counts_are_announced_of_what_was_saved_whole() -> None:
    assert announced(finished(), limited=False).counts == COUNTS
    assert announced(finished(), limited=True).counts is None
    assert announced(finished(invalid=1), limited=False).counts is None
    assert announced(finished(BatchState.FAILED), limited=False).counts is None
